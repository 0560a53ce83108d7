#!/bin/sh
# Installs what the live test gates need: a Python environment in DIR/venv, Node and the conformance suite in DIR/node.
# A second run does nothing as long as the requirement files are the same.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: install.sh DIR" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)

# The stamp is written last, so an interrupted installation is done again.
install_once() {
    name=$1
    digest=$2
    shift 2
    stamp="$dir/$name.stamp"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$digest" ]; then
        echo "$name: up to date"
        return
    fi
    rm -rf "$stamp" "${dir:?}/$name"
    "$@"
    echo "$digest" >"$stamp"
    echo "$name: installed"
}

install_python() {
    python3 -m venv "$dir/venv"
    "$dir/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
}

install_node() {
    mkdir -p "$dir/node"
    cp "$here/package.json" "$here/package-lock.json" "$dir/node/"
    # The suite asks for Node 22; `npm ci` itself may be run by an older one, which then only warns.
    (cd "$dir/node" && npm ci --no-audit --no-fund --loglevel=error)
    "$dir/node/node_modules/.bin/node" --version
}

digest_of() {
    cat "$@" "$here/install.sh" | sha256sum | cut -d ' ' -f 1
}

install_once venv "$(digest_of "$here/requirements.txt")" install_python
install_once node "$(digest_of "$here/package.json" "$here/package-lock.json")" install_node
