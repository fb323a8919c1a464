"""The pipeline step that reports a build by curl, ready to be copied."""

from __future__ import annotations

from string import Template

# Branch and tag are left out where they are not set: a pull request has no tag, and a blank name is refused.
_STEP = Template(r"""pipelines:
  default:
  - step:
      script:
      - ./build.sh  # what you run today
      after-script:
      - test "$$BITBUCKET_EXIT_CODE" = 0 && RESULT=successful || RESULT=failed
      - RUN=$$BITBUCKET_BUILD_NUMBER
      - REPO=https://bitbucket.org/$$BITBUCKET_REPO_FULL_NAME
      - >-
        curl -sS --fail --retry 3 --max-time 20
        -H "Authorization: Bearer $$LATHE_API_KEY"
        -H "Content-Type: application/json"
        -d "{\"name\": \"Pipeline #$$RUN\", \"build_number\": \"$$RUN\",
        \"status\": \"$$RESULT\", \"source\": \"bitbucket\",
        $${BITBUCKET_BRANCH:+\"branch\": \"$$BITBUCKET_BRANCH\",}
        $${BITBUCKET_TAG:+\"tag\": \"$$BITBUCKET_TAG\",}
        \"commit_sha\": \"$$BITBUCKET_COMMIT\", \"repo_url\": \"$$REPO\",
        \"url\": \"$$REPO/pipelines/results/$$RUN\"}"
        $address/api/v1/builds""")


def pipeline_step(address: str) -> str:
    """Return the step for a server at ``address``."""
    return _STEP.substitute(address=address)
