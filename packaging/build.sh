#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# build.sh deb|rpm VERSION FOLDER [BUILT]: builds a package in FOLDER from a copy of the sources.
# BUILT is a folder of objects that are taken over instead of compiled again, for trying a package.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1 version=$2
mkdir -p "$3"
folder=$(realpath "$3")
built=${4:+$(realpath "$4")}
tree=$folder/smtpscope-$version

die() { echo "build: $*" >&2; exit 1; }
# Variables that were given to the calling make are not meant for those that dpkg and rpm start.
apart() { env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u O -u SAN "$@"; }

rm -rf "${folder:?}"/*
mkdir "$tree"
cp -a bpf userspace include configs examples tests packaging Makefile README.md CONTRIBUTING.md LICENSE "$tree/"
if [ -n "$built" ]; then
    mkdir "$tree/build"
    cp -a "$built"/{bpf,userspace,libsmtpscope.a,smtpscope} "$tree/build/"
fi

# The output is in the way unless something went wrong.
exec 3>&2 >"$folder/log" 2>&1
trap '[ $? = 0 ] || { tail -n 40 "$folder/log"; echo "build: failed; all of it is in $folder/log"; } >&3' EXIT

case $kind in
deb)
    cp -a packaging/debian "$tree/debian"
    cd "$tree"
    changelog=$(dpkg-parsechangelog -SVersion)
    [ "$changelog" = "$version" ] || die "packaging/debian/changelog is of $changelog, include/smtpscope/version.h says $version"
    # The copy is fresh: there is nothing to clean, and cleaning would remove the objects taken over. `make test` runs the tests.
    apart DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -b -nc -us -uc
    ;;
rpm)
    mkdir "$folder/SOURCES"
    tar -C "$folder" -czf "$folder/SOURCES/smtpscope-$version.tar.gz" "smtpscope-$version"
    macros=()
    [ -n "$(rpm --eval '%{?_unitdir}')" ] || macros=(--load packaging/rpm/macros)
    apart rpmbuild -bb --nodeps --define "_topdir $folder" --define "upstream_version $version" "${macros[@]}" \
        packaging/rpm/smtpscope.spec
    ;;
*) die "deb or rpm, not $kind" ;;
esac
rm -rf "$tree"
