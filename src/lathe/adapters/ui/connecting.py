"""How each CI system is connected: the steps in words, and what is copied into its own file.

All of it is data. One more CI is one `Ci` in `CIS`; how a native webhook is set up stands in `natives.py`. Texts are
lists, an item for each step or note; what their marks mean stands in `ci.py`.
"""

from __future__ import annotations

from typing import Final

from lathe.adapters.ui import natives
from lathe.adapters.ui.ci import Ci

_BITBUCKET: Final = Ci(
    slug="bitbucket",
    name="Bitbucket Cloud",
    source="bitbucket",
    summary="A webhook, or a step in the pipeline.",
    file="bitbucket-pipelines.yml",
    steps="""
- In Bitbucket: **Repository settings** → **Repository variables**: add `LATHE_API_KEY` with the key, ticked as
  **Secured**.
- Add this `after-script` to the last step in `bitbucket-pipelines.yml`. It runs whether the step passed or failed,
  and Bitbucket tells it which.
""",
    notes="""
- The pipeline calls this server, so this also works behind a firewall: with a runner of your own that reaches it.
- Webhook and step may be used together: both speak of the same build, and it is filed once.
""",
    frame="""pipelines:
  default:
  - step:
      script:
      - ./build.sh  # what you run today
      after-script:
      - |
        export LATHE_URL=@ADDRESS@
        @FETCH@ | python3 - --allow-failure""",
    native=natives.BITBUCKET,
)

_GITHUB: Final = Ci(
    slug="github",
    name="GitHub Actions",
    source="github",
    summary="A webhook, or a last step in the job.",
    file=".github/workflows/build.yml",
    native=natives.GITHUB,
    steps="""
- In GitHub: **Settings** → **Secrets and variables** → **Actions** → **New repository secret**: `LATHE_API_KEY`
  with the key.
- Add this as the last step of the job whose result counts. It runs whether the job passed, failed or was cancelled,
  and says which.
""",
    notes="""
- Pull requests from forks see no secrets: their builds are not reported, and the job does not fail for it.
- A workflow with several jobs: put the step into one more job that `needs` the others, and give `--status` from their
  results.
""",
    frame="""jobs:
  build:
    steps:
    - run: ./build.sh  # what you run today
    - name: Tell Lathe
      if: always()
      env:
        LATHE_URL: @ADDRESS@
        LATHE_API_KEY: ${{ secrets.LATHE_API_KEY }}
      run: @FETCH@ | python3 - --status "${{ job.status }}" --allow-failure""",
)

_GITLAB: Final = Ci(
    slug="gitlab",
    name="GitLab CI",
    source="gitlab",
    summary="A webhook, or a last job in the pipeline.",
    file=".gitlab-ci.yml",
    native=natives.GITLAB,
    steps="""
- In GitLab: **Settings** → **CI/CD** → **Variables** → **Add variable**: `LATHE_API_KEY` with the key, **Masked**.
  Untick **Protect variable** if branches that are not protected are to be reported too.
- Add these two jobs to `.gitlab-ci.yml`. They run after all other stages: one if the pipeline passed, one if it
  failed.
""",
    notes="""
- If the runner may not load this image, take one of yours that has `curl` and Python.
- `CI_REPOSITORY_URL` contains a token, which is never sent.
""",
    frame="""tell-lathe:
  stage: .post
  image: python:3-alpine
  variables:
    GIT_STRATEGY: none
    LATHE_URL: @ADDRESS@
    RESULT: success
  before_script:
  - command -v curl >/dev/null || apk add --no-cache curl
  script:
  - @FETCH@ | python3 - --status "$RESULT" --allow-failure || true

tell-lathe-of-failure:
  extends: tell-lathe
  when: on_failure
  variables:
    RESULT: failed""",
)

_JENKINS: Final = Ci(
    slug="jenkins",
    name="Jenkins",
    source="jenkins",
    summary="A post section in the Jenkinsfile.",
    file="Jenkinsfile",
    steps="""
- In Jenkins: **Manage Jenkins** → **Credentials** → **Add credentials**: kind **Secret text**, ID `lathe-api-key`,
  with the key as its secret.
- Add this `post` section to the pipeline in the `Jenkinsfile`. It runs whatever became of the build, and says what.
""",
    notes="""
- Build numbers of Jenkins begin again in each job: the job's name is part of what tells builds apart.
""",
    frame="""pipeline {
  agent any
  environment { LATHE_URL = '@ADDRESS@' }
  stages { stage('Build') { steps { sh './build.sh' } } }  // what you run today
  post {
    always {
      withCredentials([string(credentialsId: 'lathe-api-key', variable: 'LATHE_API_KEY')]) {
        withEnv(["RESULT=${currentBuild.currentResult}"]) {
          sh '@FETCH@ | python3 - --status "$RESULT" --allow-failure'
        }
      }
    }
  }
}""",
)

_CIRCLECI: Final = Ci(
    slug="circleci",
    name="CircleCI",
    source="circleci",
    summary="A last step in the job.",
    file=".circleci/config.yml",
    steps="""
- In CircleCI: **Project Settings** → **Environment Variables** → **Add Environment Variable**: `LATHE_API_KEY` with
  the key.
- Add these as the last steps of the job whose result counts: one runs if all steps before it passed, the other if one
  of them failed.
""",
    notes="""
- Pull requests from forks see no variables of the project, unless you allow it: their builds are not reported.
""",
    frame="""jobs:
  build:
    environment:
      LATHE_URL: @ADDRESS@
    steps:
    - checkout
    - run: ./build.sh  # what you run today
    - run:
        name: Tell Lathe
        when: on_success
        command: @FETCH@ | python3 - --allow-failure || true
    - run:
        name: Tell Lathe of the failure
        when: on_fail
        command: @FETCH@ | python3 - --status failed --allow-failure || true""",
)

_AZURE: Final = Ci(
    slug="azure",
    name="Azure Pipelines",
    source="azure",
    summary="A last step in the job.",
    file="azure-pipelines.yml",
    steps="""
- In Azure DevOps: open the pipeline, **Edit** → **Variables** → **New variable**: `LATHE_API_KEY` with the key,
  ticked as **Keep this value secret**.
- Add this as the last step of the job. It runs whether the job passed, failed or was cancelled, and Azure tells it
  which.
""",
    notes="""
- Azure shows secret variables to a script only where `env` names them.
""",
    frame="""steps:
- script: ./build.sh  # what you run today
- bash: @FETCH@ | python3 - --allow-failure
  displayName: Tell Lathe
  condition: always()
  env:
    LATHE_URL: @ADDRESS@
    LATHE_API_KEY: $(LATHE_API_KEY)""",
)

# What git allows in a branch's name includes quotation marks, so what comes from outside is escaped. A fact that is
# empty is left out: a blank branch is refused.
_CURL_ALONE: Final = r"""NUMBER=123  # the number of the build
BRANCH=main
field() { [ -z "$2" ] || printf ', "%s": "%s"' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"; }
{
  printf '{"source": "api"'
  field name "Build #$NUMBER"
  field build_number "$NUMBER"
  field status successful
  field branch "$BRANCH"
  field commit_sha "$(git rev-parse HEAD)"
  field repo_url "$(git remote get-url origin)"
  echo '}'
} | curl -sS --fail --retry 3 --max-time 20 --data @- \
  -H "Authorization: Bearer $LATHE_API_KEY" -H "Content-Type: application/json" \
  @ADDRESS@/api/v1/builds || echo "Lathe did not take this build" """.rstrip()

_DATA_CENTER: Final = Ci(
    slug="bitbucket-data-center",
    name="Bitbucket Data Center",
    source="api",
    summary="From where you build; by webhook only with an add-on.",
    file="the last step of the build",
    steps="""
- Data Center builds nothing itself. If Jenkins builds for you, take the steps for Jenkins; for Bamboo and others these:
  store the key as a secret there, in the variable `LATHE_API_KEY`.
- Run this at the end of the build, with your CI's own variables in the first lines.
""",
    notes="""
- Clone addresses by https and by ssh are one repository if they name the same host. If ssh has a host of its own, name
  both addresses in the project.
- `status` may be `successful`, `failed` or `stopped`.
""",
    frame=_CURL_ALONE,
    native=natives.DATA_CENTER,
)

_OTHER: Final = Ci(
    slug="other",
    name="Any other CI",
    source="api",
    summary="One request with curl, or a webhook.",
    file="the last step of the build",
    steps="""
- Store the key as a secret of your CI, in the variable `LATHE_API_KEY`.
- Run this at the end of the build, with your CI's own variables in the first lines. Only `name` is required; the
  branch and the repository's address are what a build is filed by.
""",
    notes="""
- The same by any other means: a `POST` with JSON. Unknown fields are refused, so that a typo is not lost.
- `status` may be `successful`, `failed` or `stopped`; `url` leads testers back to the run.
""",
    frame=_CURL_ALONE,
    native=natives.OTHER,
)

CIS: Final = (_BITBUCKET, _GITHUB, _GITLAB, _JENKINS, _CIRCLECI, _AZURE, _DATA_CENTER, _OTHER)
"""Every CI system that there are steps for, in the order shown."""
