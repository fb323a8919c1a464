"""The style and the pages fit: no class without a rule, no rule without a class, every colour from a token."""

from __future__ import annotations

import re
from typing import Final

import pytest

from lathe.adapters.ui.templating import environment, static_files

SHEETS: Final = sorted(name for name in static_files() if name.endswith(".css"))
TONES: Final = {"good", "bad"}
"""The tones of a notice: classes that only a value names."""

HOOKS: Final = {"what"}
"""Classes without a rule. By this one, tests find the sentences of the audit log."""

_ATTRIBUTE = re.compile(r'class="((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"', re.DOTALL)
_CODE = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
_ASKED = re.compile(r'(?:==|!=)\s*"[^"]*"|\w\([^()]*\)')  # what an expression compares with, or hands to a function
_IN_SCRIPT = re.compile(r'class(?:Name|List\.\w+)\s*(?:[:=(])\s*"([^"]*)"')


def sheet(name: str) -> str:
    """Return a style sheet without its comments."""
    return re.sub(r"/\*.*?\*/", "", static_files()[name].content.decode(), flags=re.DOTALL)


def styled() -> set[str]:
    """Return the classes that rules are about."""
    selectors = [text for name in SHEETS for text in re.findall(r"([^{}]*)\{", sheet(name))]
    return {name for text in selectors for name in re.findall(r"\.([a-z][\w-]*)", text)}


def used() -> set[str]:
    """Return the classes that templates and scripts set. One that ends with a dash goes on with a number."""
    env = environment()
    assert env.loader
    sources = [env.loader.get_source(env, name)[0] for name in env.list_templates(extensions=["html"])]
    found = {name for source in sources for value in _ATTRIBUTE.findall(source) for name in _literals(value).split()}
    scripts = [file.content.decode() for name, file in static_files().items() if name.endswith(".js")]
    return found | {name for script in scripts for value in _IN_SCRIPT.findall(script) for name in value.split()}


def _literals(value: str) -> str:
    """Return what a template may write into an attribute: its text, and the strings that expressions choose."""

    def strings(code: re.Match[str]) -> str:
        return " ".join(re.findall(r'"([^"]*)"', _ASKED.sub("", code[1] or "")))

    return _CODE.sub(strings, value)


def test_every_class_of_a_page_has_a_rule() -> None:
    rules = styled()
    missing = {name for name in used() if not any(rule == name or _numbered(name, rule) for rule in rules)}
    assert missing == HOOKS


def test_every_rule_is_about_a_class_of_a_page() -> None:
    names = used() | TONES
    assert {rule for rule in styled() if not any(rule == name or _numbered(name, rule) for name in names)} == set()


def _numbered(name: str, rule: str) -> bool:
    return name.endswith("-") and rule.startswith(name) and rule.removeprefix(name).isdigit()


def test_the_tokens_alone_name_colours() -> None:
    colour = re.compile(r"#[0-9a-f]{3,8}\b|rgb\(|hsl\(|light-dark\(", re.IGNORECASE)
    rules = [rule for name in SHEETS for rule in re.findall(r"([^{}]*)\{([^{}]*)\}", sheet(name))]
    assert [selector.strip() for selector, body in rules if colour.search(body)] == [":root"]


@pytest.mark.parametrize("name", SHEETS)
def test_every_token_is_defined_and_used(name: str) -> None:
    everything = "".join(sheet(one) for one in SHEETS)
    defined = set(re.findall(r"(--[\w-]+):", everything))
    assert set(re.findall(r"var\((--[\w-]+)", sheet(name))) <= defined
    assert {token for token in re.findall(r"(--[\w-]+):", sheet(name)) if f"var({token}" not in everything} == set()
