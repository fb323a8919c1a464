"""How a webhook is set up where it is sent from, in the words of each provider's own pages.

All of it is data, as in `connecting.py`: texts are lists, an item for each step or note.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from lathe.adapters.ui.ci import Native
from lathe.domain.hook import Provider

BITBUCKET: Final = Native(
    Provider.BITBUCKET,
    steps="""
- In Bitbucket, open the repository, then **Repository settings** → **Webhooks** → **Add webhook**.
- **Title**: `Lathe`. **URL** and **Secret**: the two that are shown here.
- **Status**: tick **Active**.
- **Triggers**: **Choose from a full list of triggers**, untick **Repository → Push**, and under **Build status**
  tick **Created** and **Updated**. There is no trigger called “Pipeline events”: these two are what a pipeline
  sends.
- **Save**, then run a pipeline. What arrives is shown below.
""",
    notes="""
- A native webhook cannot carry headers of your own, so it cannot send an API key. The secret is what tells that
  Bitbucket sent it.
- Bitbucket must reach the URL from the internet. Behind a firewall, report from the pipeline instead.
- One webhook serves several repositories: use its URL and secret in each.
""",
)

GITHUB: Final = Native(
    Provider.GITHUB,
    steps="""
- In GitHub, open the repository, or the organization for all of its repositories, then **Settings** → **Webhooks** →
  **Add webhook**.
- **Payload URL** and **Secret**: the two that are shown here.
- **Content type**: choose `application/json`. The other one, which GitHub suggests, is refused here.
- **Which events would you like to trigger this webhook?** Choose **Let me select individual events**, untick
  **Pushes**, and tick **Workflow runs** and nothing else.
- **Add webhook**. GitHub sends a ping at once, which is shown below. Then run a workflow.
""",
    notes="""
- Check runs, workflow jobs and statuses tell of the same run in other words. They are ignored, and so is a push.
- GitHub sends the runs of every workflow, also of those that build nothing for testers. Where that is too much, report
  from the one workflow that counts instead.
- GitHub must reach the URL; a GitHub Enterprise Server may do so inside your network. Else report from the pipeline.
- GitHub sends nothing a second time by itself. What was lost while this server was away is sent again by hand:
  **Recent Deliveries** → **Redeliver**.
- One webhook serves several repositories: use its URL and secret in each.
""",
)

GITLAB: Final = Native(
    Provider.GITLAB,
    steps="""
- In GitLab, open the project, then **Settings** → **Webhooks** → **Add new webhook**.
- **URL**: the one that is shown here. **Secret token**: the secret.
- **Trigger**: untick **Push events**, and tick **Pipeline events** and nothing else.
- **Add webhook**, then **Test** → **Pipeline events**, or run a pipeline. What arrives is shown below.
""",
    notes="""
- If your GitLab has a field **Signing token** that takes a text, put the same secret there and leave **Secret token**
  empty: GitLab then signs each request, so that nobody can change or repeat it.
- Job events and deployment events tell of parts of a pipeline. They are ignored.
- A GitLab of your own refuses addresses in its own network until an administrator allows them: **Admin** →
  **Settings** → **Network** → **Outbound requests**.
- One webhook serves several projects: use its URL and secret in each, or in a group's **Settings** → **Webhooks**.
""",
)

DATA_CENTER: Final = Native(
    Provider.BITBUCKET,
    second=True,
    lead="Bitbucket Data Center itself has no webhook for builds. This way needs an add-on that sends `build:status`; "
    "without one, report from where you build.",
    steps="""
- In Bitbucket, open the repository, then **Repository settings** → **Webhooks** → **Create webhook**.
- **Name**: `Lathe`. **URL** and **Secret**: the two that are shown here.
- **Test connection** must answer 200.
- **Events**: untick **Push**, tick the event that the add-on has added for build statuses. **Create**.
""",
    notes="""
- Pushes and pull requests are ignored: they are no builds.
- One webhook serves several repositories: use its URL and secret in each.
""",
)

OTHER: Final = Native(
    Provider.GENERIC,
    second=True,
    steps="""
- Let the CI send a `POST` to the URL, with the same JSON that the script sends and `Content-Type: application/json`.
- Let it sign the body: header `X-Hub-Signature-256`, value `sha256=` and the HMAC-SHA256 of the body in hex digits. The
  key is the whole secret, `whsec_` included. In a shell: `openssl dgst -sha256 -hmac "$SECRET" -r < body.json`.
- If it may send a build twice, let it send the same `Idempotency-Key` both times.
""",
    notes="""
- A signed webhook suits what sends by itself, such as a build server with webhooks of its own. In a script, an API key
  is simpler.
- What is wrong with a body is not refused but ignored, with the reason under Deliveries.
""",
)


@frozen
class Sender:
    """Who sends to a hook, as the list of hooks calls them: the steps for it, and where its secret is changed there."""

    name: str
    slug: str
    secret_place: str


SENDERS: Final[Mapping[Provider, Sender]] = {
    Provider.BITBUCKET: Sender("Bitbucket", "bitbucket", "in Bitbucket: Settings → Webhooks → Edit → Secret"),
    Provider.GITHUB: Sender("GitHub", "github", "in GitHub: Settings → Webhooks → Edit → Secret → Change Secret"),
    Provider.GITLAB: Sender("GitLab", "gitlab", "in GitLab: Settings → Webhooks → Edit → Secret token"),
    Provider.GENERIC: Sender("any other CI", "other", "where your CI keeps it"),
}
"""Every provider that hooks can be made for, in the order offered."""
