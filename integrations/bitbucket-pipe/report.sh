#!/bin/sh
# Reports the build of this CI job to Lathe: with report.py beside this file, else with the package of this checkout.
# Needs LATHE_URL and LATHE_API_KEY; takes NAME, STATUS and ALLOW_FAILURE=true.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

set --
[ -z "${NAME:-}" ] || set -- "$@" --name "$NAME"
[ -z "${STATUS:-}" ] || set -- "$@" --status "$STATUS"
[ "${ALLOW_FAILURE:-}" != true ] || set -- "$@" --allow-failure

if ! command -v python3 >/dev/null; then
    echo "Not reported: there is no python3 here. docs/any-ci.md reports with curl alone." >&2
    [ "${ALLOW_FAILURE:-}" = true ]
elif [ -f "$here/report.py" ]; then
    python3 "$here/report.py" "$@"
else
    PYTHONPATH="$here/../../src" python3 -m lathe_report "$@"
fi
