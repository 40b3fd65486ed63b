#!/bin/sh
# Makes .venv from a bare Python: venv, then uv at the locked hash, then exactly what requirements.lock says.
# Usage: sh deploy/bootstrap.sh STAMP (run from the project's root; the Makefile does).
set -eu
stamp=$1

say() { printf '%s\n' "corridor: $*"; }
die() { printf '%s\n' "corridor: $*" >&2; exit 1; }

# Two makes at once (a demo beside the tests) must not build one environment together.
if command -v flock >/dev/null 2>&1; then
    exec 9>.venv.lock
    flock 9
fi
if [ -e "$stamp" ] && [ "$stamp" -nt requirements.lock ] && [ "$stamp" -nt deploy/bootstrap.sh ]; then exit 0; fi

good() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
python=
for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if good "$candidate"; then python=$candidate; break; fi
done
[ -n "$python" ] || die "Python 3.11 or newer is needed; python3 is $(python3 --version 2>/dev/null || echo missing)." \
    "Install one (Debian 12: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3 ..."

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "this Python has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv) and run make again"
    "$python" -m venv .venv
fi

if ! .venv/bin/python -m uv --version 2>/dev/null | grep -qF "$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)"; then
    say "installing uv at the locked hash"
    awk '/^uv==/ {on = 1} on {print} on && !/\\$/ {exit}' requirements.lock >.venv/uv.txt
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
fi

say "installing the locked packages into .venv (once; later runs skip this)"
# uv does not read pip's name for a mirror; whoever set one there means it here too.
if [ -n "${PIP_INDEX_URL:-}" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then export UV_DEFAULT_INDEX="$PIP_INDEX_URL"; fi
.venv/bin/python -m uv pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python requirements.lock
touch "$stamp"
