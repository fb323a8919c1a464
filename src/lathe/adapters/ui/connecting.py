"""How each CI system is connected: the steps in words, and what is copied into its own file.

All of it is data. A native webhook of one more provider is one `Native`, one more CI is one `Ci` in `CIS`. Texts are
lists, an item for each step or note; what their marks mean stands in `ci.py`.
"""

from __future__ import annotations

from typing import Final

from lathe.adapters.ui.ci import Ci, Native
from lathe.domain.hook import Provider

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
  and says which.
""",
    notes="""
- The pipeline calls this server, so this also works behind a firewall: with a runner of your own that reaches it.
- Webhook and step may be used together: both speak of the same build, and it is filed once.
""",
    before='test "$BITBUCKET_EXIT_CODE" = 0 && RESULT=successful || RESULT=failed\n'
    "REPOSITORY=https://bitbucket.org/$BITBUCKET_REPO_FULL_NAME\n",
    facts={
        "name": "Pipeline #$BITBUCKET_BUILD_NUMBER",
        "build_number": "$BITBUCKET_BUILD_NUMBER",
        "status": "$RESULT",
        "branch": "$BITBUCKET_BRANCH",
        "tag": "$BITBUCKET_TAG",
        "commit_sha": "$BITBUCKET_COMMIT",
        "repo_url": "$REPOSITORY",
        "url": "$REPOSITORY/pipelines/results/$BITBUCKET_BUILD_NUMBER",
    },
    frame="""pipelines:
  default:
  - step:
      script:
      - ./build.sh  # what you run today
      after-script:
      - |
        @SCRIPT@""",
    native=Native(
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
    ),
)

_GITHUB: Final = Ci(
    slug="github",
    name="GitHub Actions",
    source="github",
    summary="A last step in the job.",
    file=".github/workflows/build.yml",
    steps="""
- In GitHub: **Settings** → **Secrets and variables** → **Actions** → **New repository secret**: `LATHE_API_KEY`
  with the key.
- Add this as the last step of the job whose result counts. It runs whether the job passed, failed or was cancelled,
  and says which.
""",
    notes="""
- Pull requests from forks see no secrets: their builds are not reported, and the job does not fail for it.
- A workflow with several jobs: put the step into one more job that `needs` the others, and set `RESULT` from their
  results.
""",
    before="""case "$RESULT" in
  success) STATUS=successful ;;
  failure) STATUS=failed ;;
  *) STATUS=stopped ;;
esac
BRANCH= TAG=
case "$GITHUB_REF" in
  refs/heads/*) BRANCH=${GITHUB_REF#refs/heads/} ;;
  refs/tags/*) TAG=${GITHUB_REF#refs/tags/} ;;
  *) BRANCH=$GITHUB_HEAD_REF ;;
esac
REPOSITORY=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY
""",
    facts={
        "name": "$GITHUB_WORKFLOW #$GITHUB_RUN_NUMBER",
        "build_number": "$GITHUB_RUN_NUMBER",
        "run_id": "$GITHUB_RUN_ID",
        "status": "$STATUS",
        "branch": "$BRANCH",
        "tag": "$TAG",
        "commit_sha": "$GITHUB_SHA",
        "author": "$GITHUB_ACTOR",
        "repo_url": "$REPOSITORY",
        "url": "$REPOSITORY/actions/runs/$GITHUB_RUN_ID",
    },
    frame="""jobs:
  build:
    steps:
    - run: ./build.sh  # what you run today
    - name: Tell Lathe
      if: always()
      env:
        LATHE_API_KEY: ${{ secrets.LATHE_API_KEY }}
        RESULT: ${{ job.status }}
      run: |
        @SCRIPT@""",
)

_GITLAB: Final = Ci(
    slug="gitlab",
    name="GitLab CI",
    source="gitlab",
    summary="A last job in the pipeline.",
    file=".gitlab-ci.yml",
    steps="""
- In GitLab: **Settings** → **CI/CD** → **Variables** → **Add variable**: `LATHE_API_KEY` with the key, **Masked**.
  Untick **Protect variable** if branches that are not protected are to be reported too.
- Add these two jobs to `.gitlab-ci.yml`. They run after all other stages: one if the pipeline passed, one if it
  failed.
""",
    notes="""
- The image must have `curl` and `sed`; take one of yours if the runner may not load others.
- `CI_REPOSITORY_URL` is left alone on purpose: it contains a token.
""",
    before="""BRANCH=
[ -n "$CI_COMMIT_TAG" ] || BRANCH=$CI_COMMIT_REF_NAME
""",
    facts={
        "name": "Pipeline #$CI_PIPELINE_IID",
        "build_number": "$CI_PIPELINE_IID",
        "run_id": "$CI_PIPELINE_ID",
        "status": "$RESULT",
        "branch": "$BRANCH",
        "tag": "$CI_COMMIT_TAG",
        "commit_sha": "$CI_COMMIT_SHA",
        "author": "$GITLAB_USER_NAME",
        "repo_url": "$CI_PROJECT_URL",
        "url": "$CI_PIPELINE_URL",
    },
    frame="""tell-lathe:
  stage: .post
  image: curlimages/curl
  variables:
    GIT_STRATEGY: none
    RESULT: successful
  script:
  - |
    @SCRIPT@

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
- The agent needs `sh`, `curl` and `sed`.
- `GIT_BRANCH` says `origin/main` where the branch is `main`: the script takes that apart.
- Build numbers of Jenkins begin again in each job: the job's name is part of what tells builds apart.
""",
    before="""case "$RESULT" in
  SUCCESS) STATUS=successful ;;
  ABORTED|NOT_BUILT) STATUS=stopped ;;
  *) STATUS=failed ;;
esac
BRANCH=
[ -n "$TAG_NAME" ] || BRANCH=${CHANGE_BRANCH:-${BRANCH_NAME:-${GIT_BRANCH#origin/}}}
""",
    facts={
        "name": "$JOB_NAME #$BUILD_NUMBER",
        "build_number": "$BUILD_NUMBER",
        "run_id": "$JOB_NAME #$BUILD_NUMBER",
        "status": "$STATUS",
        "branch": "$BRANCH",
        "tag": "$TAG_NAME",
        "commit_sha": "$GIT_COMMIT",
        "repo_url": "$GIT_URL",
        "url": "$BUILD_URL",
    },
    frame="""pipeline {
  agent any
  stages { stage('Build') { steps { sh './build.sh' } } }  // what you run today
  post {
    always {
      withCredentials([string(credentialsId: 'lathe-api-key', variable: 'LATHE_API_KEY')]) {
        withEnv(["RESULT=${currentBuild.currentResult}"]) {
          sh '''
            @SCRIPT@
          '''
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
- Add this as the last step of the job whose result counts.
""",
    notes="""
- It runs if all steps before it passed. To report failures too, add it a second time with `when: on_fail` and
  `RESULT: failed`.
""",
    facts={
        "name": "$CIRCLE_JOB #$CIRCLE_BUILD_NUM",
        "build_number": "$CIRCLE_BUILD_NUM",
        "status": "$RESULT",
        "branch": "$CIRCLE_BRANCH",
        "tag": "$CIRCLE_TAG",
        "commit_sha": "$CIRCLE_SHA1",
        "author": "$CIRCLE_USERNAME",
        "repo_url": "$CIRCLE_REPOSITORY_URL",
        "url": "$CIRCLE_BUILD_URL",
    },
    frame="""jobs:
  build:
    steps:
    - checkout
    - run: ./build.sh  # what you run today
    - run:
        name: Tell Lathe
        when: on_success
        environment:
          RESULT: successful
        command: |
          @SCRIPT@""",
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
- Add this as the last step of the job. It runs whether the job passed, failed or was cancelled, and says which.
""",
    notes="""
- Azure shows secret variables to a script only where `env` names them.
- Branches come as `refs/heads/main`: the script takes that apart.
""",
    before="""case "$AGENT_JOBSTATUS" in
  Succeeded*) STATUS=successful ;;
  Failed) STATUS=failed ;;
  *) STATUS=stopped ;;
esac
BRANCH= TAG=
case "$BUILD_SOURCEBRANCH" in
  refs/heads/*) BRANCH=${BUILD_SOURCEBRANCH#refs/heads/} ;;
  refs/tags/*) TAG=${BUILD_SOURCEBRANCH#refs/tags/} ;;
  *) BRANCH=${SYSTEM_PULLREQUEST_SOURCEBRANCH#refs/heads/} ;;
esac
""",
    facts={
        "name": "$BUILD_DEFINITIONNAME $BUILD_BUILDNUMBER",
        "build_number": "$BUILD_BUILDNUMBER",
        "run_id": "$BUILD_BUILDID",
        "status": "$STATUS",
        "branch": "$BRANCH",
        "tag": "$TAG",
        "commit_sha": "$BUILD_SOURCEVERSION",
        "author": "$BUILD_REQUESTEDFOR",
        "repo_url": "$BUILD_REPOSITORY_URI",
        "url": "$SYSTEM_COLLECTIONURI$SYSTEM_TEAMPROJECTID/_build/results?buildId=$BUILD_BUILDID",
    },
    frame="""steps:
- script: ./build.sh  # what you run today
- bash: |
    @SCRIPT@
  displayName: Tell Lathe
  condition: always()
  env:
    LATHE_API_KEY: $(LATHE_API_KEY)""",
)

_OTHER: Final = Ci(
    slug="other",
    name="Any other CI",
    source="api",
    summary="One request with curl.",
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
    before="""NUMBER=123  # the number of the build
BRANCH=main
""",
    facts={
        "name": "Build #$NUMBER",
        "build_number": "$NUMBER",
        "status": "successful",
        "branch": "$BRANCH",
        "commit_sha": "$(git rev-parse HEAD)",
        "repo_url": "$(git remote get-url origin)",
    },
)

CIS: Final = (_BITBUCKET, _GITHUB, _GITLAB, _JENKINS, _CIRCLECI, _AZURE, _OTHER)
"""Every CI system that there are steps for, in the order shown."""
