#!/usr/bin/env bash
# Installs what a fresh Debian 12 machine with Rust, Node, Python and apt still lacks.
#   deploy/bootstrap.sh [demo|test]     (test, the default, adds what only tests use)
# Idempotent, and quiet when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."
goal=${1:-test}

packages=(
    # Linking.
    clang mold pkg-config
    # GStreamer: headers for kinora-encoder, plugins for probing, decoding and encoding.
    libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly gstreamer1.0-libav
    # What scales pictures.
    libzimg-dev
    # The demo asks the server whether it is up.
    curl
)
if [ "$goal" = test ]; then
    # Independent judges: ffprobe reads what we package, Chromium (with a font) plays it, zzuf
    # damages what we are sent.
    packages+=(ffmpeg chromium fonts-dejavu-core zzuf)
    # Certificates, and clients of other makes: for TLS and HTTP/2, and those that mean harm.
    packages+=(openssl slowhttptest)
    # xmllint holds manifests against a schema.
    packages+=(libxml2-utils)
    # moto, an S3 server that tests run against.
    packages+=(python3-venv)
    # What the origin is measured against.
    packages+=(nginx-light)
    # Another host for a worker of `make cluster-demo`, and its way to the servers.
    packages+=(iproute2 socat)
    # Hosts whose clocks are wrong.
    packages+=(faketime)
    # Servers that tests start themselves.
    packages+=(postgresql rabbitmq-server)
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "Installing from Debian: ${missing[*]}" >&2
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    # Nobody here needs the ones that Debian starts.
    for service in postgresql rabbitmq-server nginx-light; do
        if [[ " ${missing[*]} " == *" $service "* ]]; then
            "${as_root[@]}" service "${service%-light}" stop >/dev/null 2>&1 || true
            "${as_root[@]}" systemctl disable "${service%-light}" >/dev/null 2>&1 || true
        fi
    done
fi

if [ "$goal" = test ] && ! cargo nextest --version >/dev/null 2>&1; then
    echo "Installing cargo-nextest" >&2
    cargo install --locked --quiet cargo-nextest
fi

# Not moto[server]: that installs every service of Amazon's.
moto='moto[s3]==5.2.5 flask==3.1.3 flask-cors==6.0.5 werkzeug==3.1.9 boto3==1.44.8'
if [ "$goal" = test ] && [ "$(cat target/moto/installed 2>/dev/null)" != "$moto" ]; then
    echo "Installing moto" >&2
    rm -rf target/moto
    python3 -m venv target/moto
    # shellcheck disable=SC2086 # they are several
    target/moto/bin/pip install --quiet --disable-pip-version-check $moto
    echo "$moto" >target/moto/installed
fi

# What judges the origin: REDbot, and the cases of http-cache-tests without what their own server takes.
judges='redbot==2.7.1 http-cache-tests@0.4.5'
if [ "$goal" = test ] && [ "$(cat target/judges/installed 2>/dev/null)" != "$judges" ]; then
    echo "Installing REDbot and http-cache-tests" >&2
    rm -rf target/judges
    python3 -m venv target/judges
    target/judges/bin/pip install --quiet --disable-pip-version-check "${judges% *}"
    npm pack --silent --pack-destination target/judges "${judges#* }" >/dev/null
    tar --extract --file target/judges/http-cache-tests-*.tgz --directory target/judges
    echo "$judges" >target/judges/installed
fi

# npm records in this file what it installed last; older than the lock means: again.
installed=web/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ web/package-lock.json -nt "$installed" ]; then
    echo "Installing web packages" >&2
    npm ci --prefix web --no-audit --no-fund --silent
    touch "$installed"
fi
