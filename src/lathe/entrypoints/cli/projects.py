"""``lathe project``: products under test."""

from __future__ import annotations

import click

from lathe.application import organizations, projects
from lathe.application.caller import command_caller
from lathe.entrypoints.cli.output import json_option, show
from lathe.entrypoints.cli.parameters import opened, org_option


@click.group("project")
def command() -> None:
    """Create projects."""


@command.command("create")
@click.argument("name")
@org_option
@click.option(
    "--repo", "repositories", multiple=True, metavar="URL", help="A repository that belongs to it; repeatable."
)
@json_option
def create(name: str, org: str, repositories: tuple[str, ...], as_json: bool) -> None:
    """Create a project, with the repositories that belong to it.

    \b
    Example:
      lathe project create "Pay API" --org acme --repo https://bitbucket.org/acme/pay-api
    """
    with opened() as at:
        caller = command_caller(organizations.find(at.store, org).id)
        view = projects.create(at.store, at.ids, caller, name, repositories)
    project = view.project
    linked = [
        {"id": repository.id, "url": repository.url.https if repository.url else None}
        for repository, _ in view.repositories
    ]
    data = {
        "id": project.id,
        "organization_id": project.organization_id,
        "name": project.name,
        "slug": project.slug,
        "repositories": linked,
        "created_at": project.created_at,
    }
    lines = [f"Created project {project.name}", f"  id    {project.id}", f"  slug  {project.slug}"]
    show(data, [*lines, *(f"  repo  {one['url']}" for one in linked)], as_json=as_json)
