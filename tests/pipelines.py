"""The environments of CI jobs, as each CI sets them for one build of acme/pay-api on main."""

from __future__ import annotations

from typing import Final

SHA: Final = "4be1a0c93d5f7e2286b0c4d9a1f3e5577c8d9e01"

BITBUCKET: Final = {
    "CI": "true",
    "BITBUCKET_BUILD_NUMBER": "482",
    "BITBUCKET_COMMIT": SHA,
    "BITBUCKET_BRANCH": "main",
    "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/acme/pay-api",
    "BITBUCKET_REPO_FULL_NAME": "acme/pay-api",
    "BITBUCKET_REPO_UUID": "{5b1c0a52-8f0e-4d4b-9d4e-0c1f6a2b7e11}",
    "BITBUCKET_STEP_UUID": "{0d2a7d2e-1111-4d4b-9d4e-0c1f6a2b7e11}",
    "BITBUCKET_EXIT_CODE": "0",
}
GITHUB: Final = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "ada",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_JOB": "build",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REPOSITORY": "acme/pay-api",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RUN_ID": "9001",
    "GITHUB_RUN_NUMBER": "12",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": SHA,
    "GITHUB_WORKFLOW": "Build & test",
}
GITLAB: Final = {
    "CI": "true",
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_REF_NAME": "main",
    "CI_COMMIT_SHA": SHA,
    "CI_JOB_ID": "55",
    "CI_JOB_STATUS": "success",
    "CI_PIPELINE_ID": "31337",
    "CI_PIPELINE_IID": "77",
    "CI_PIPELINE_URL": "https://gitlab.com/acme/pay-api/-/pipelines/31337",
    "CI_PROJECT_URL": "https://gitlab.com/acme/pay-api",
    "CI_REPOSITORY_URL": "https://gitlab-ci-token:glcbt-64_secret@gitlab.com/acme/pay-api.git",
    "GITLAB_CI": "true",
    "GITLAB_USER_NAME": "Ada Lovelace",
}
JENKINS: Final = {
    "BUILD_NUMBER": "5",
    "BUILD_URL": "https://ci.acme.example/job/acme/job/pay-api/5/",
    "GIT_BRANCH": "origin/main",
    "GIT_COMMIT": SHA,
    "GIT_URL": "https://ada:ghp_secret@github.com/acme/pay-api.git",
    "JENKINS_HOME": "/var/jenkins_home",
    "JENKINS_URL": "https://ci.acme.example/",
    "JOB_NAME": "acme/pay-api/main",
}
CIRCLECI: Final = {
    "CI": "true",
    "CIRCLECI": "true",
    "CIRCLE_BRANCH": "main",
    "CIRCLE_BUILD_NUM": "31",
    "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/pay-api/31",
    "CIRCLE_JOB": "build",
    "CIRCLE_REPOSITORY_URL": "git@github.com:acme/pay-api.git",
    "CIRCLE_SHA1": SHA,
    "CIRCLE_USERNAME": "ada",
}
AZURE: Final = {
    "AGENT_JOBSTATUS": "Succeeded",
    "BUILD_BUILDID": "811",
    "BUILD_BUILDNUMBER": "20260314.2",
    "BUILD_DEFINITIONNAME": "Pay API",
    "BUILD_REPOSITORY_URI": "https://acme@dev.azure.com/acme/shop/_git/pay-api",
    "BUILD_REQUESTEDFOR": "Ada Lovelace",
    "BUILD_SOURCEBRANCH": "refs/heads/main",
    "BUILD_SOURCEVERSION": SHA,
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "Web Shop",
    "TF_BUILD": "True",
}

JOBS: Final = {
    "bitbucket": BITBUCKET,
    "github": GITHUB,
    "gitlab": GITLAB,
    "jenkins": JENKINS,
    "circleci": CIRCLECI,
    "azure": AZURE,
}
"""Each by its source."""

REPOSITORIES: Final = (
    "https://bitbucket.org/acme/pay-api",
    "https://github.com/acme/pay-api",
    "https://gitlab.com/acme/pay-api",
    "https://dev.azure.com/acme/shop/_git/pay-api",
)
"""Where they say that the repository is."""
