"""``lathe release``: what testers test towards."""

from __future__ import annotations

import click

from lathe.application import releases
from lathe.application.caller import command_caller
from lathe.domain.release import ReleaseState
from lathe.entrypoints.cli.output import json_option, show
from lathe.entrypoints.cli.parameters import any_org_option, find_project, opened


@click.group("release")
def command() -> None:
    """Create releases."""


@command.command("create")
@click.argument("name")
@click.option("--project", "project_name", required=True, metavar="P", help="The project, by id or slug.")
@any_org_option
@click.option("--active", is_flag=True, help="Let it take builds at once; otherwise it is planned.")
@click.option(
    "--branch", "patterns", multiple=True, metavar="PATTERN", help="A branch or tag that feeds it; repeatable."
)
@json_option
def create(
    *, name: str, project_name: str, org: str | None, active: bool, patterns: tuple[str, ...], as_json: bool
) -> None:
    """Create a release of a project. In patterns, * stands for anything but a slash, ** for anything.

    \b
    Example:
      lathe release create 2.5 --project pay-api --active --branch "release/2.5" --branch "hotfix/2.5.*"
    """
    with opened() as at:
        project = find_project(at.store, project_name, org)
        caller = command_caller(project.organization_id)
        state = ReleaseState.ACTIVE if active else ReleaseState.PLANNED
        made = releases.create(at.store, at.ids, caller, project.id, name, state=state, branch_patterns=patterns)
    data = {
        "id": made.id,
        "organization_id": made.organization_id,
        "project_id": made.project_id,
        "name": made.name,
        "state": made.state,
        "branch_patterns": [pattern.text for pattern in made.branch_patterns],
        "created_at": made.created_at,
    }
    fed = ", ".join(pattern.text for pattern in made.branch_patterns) or "every branch no other release is made for"
    lines = [
        f"Created release {made.name} of {project.name}, {made.state.value}",
        f"  id      {made.id}",
        f"  fed by  {fed}",
    ]
    show(data, lines, as_json=as_json)
