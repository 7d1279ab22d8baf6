#!/usr/bin/env bash
# Makes the Debian package of a build: packaging/deb.sh BUILD OUT puts OUT/adweave_<version>_<architecture>.deb there and
# prints its path. The same build of the same commit gives the same bytes, whenever and wherever it is packed.
set -euo pipefail
umask 022
export LC_ALL=C

build=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}  # dpkg-deb writes no later time
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
doc=$root/usr/share/doc/adweave
deps=$(sed -n 's/^ADWEAVE_DEPS:PATH=//p' "$build/CMakeCache.txt")

put() { install -D -m 644 "$1" "$2"; }

# The program finds the libraries that Debian does not have beside itself: CMake writes $ORIGIN/../lib/adweave into it.
cmake --install "$build" --component program --strip --prefix "$root/usr" >"$work/install.log"
chmod 644 "$root"/usr/lib/adweave/*

put packaging/adweave.yaml "$root/etc/adweave/adweave.yaml"
put packaging/adweave.service "$root/usr/lib/systemd/system/adweave.service"
put packaging/prometheus/adweave.rules.yaml "$root/usr/share/adweave/prometheus/adweave.rules.yaml"
put packaging/flume/adweave.conf "$root/usr/share/adweave/flume/adweave.conf"
put packaging/nifi/adweave.json "$root/usr/share/adweave/nifi/adweave.json"
put docs/service.md "$doc/service.md"
put config/reference.yaml "$doc/reference.yaml"
for page in docs/reference/*.md; do put "$page" "$doc/reference/${page##*/}"; done
put LICENSE "$doc/LICENSE"
put THIRD_PARTY.md "$doc/THIRD_PARTY.md"
put packaging/debian/copyright "$doc/copyright"
gzip -9n <CHANGELOG.md >"$doc/changelog.gz"

# Licences of what is inside the program or comes with it; Debian's shared libraries bring their own.
put "$deps/arrow/LICENSE.txt" "$doc/third_party/arrow/LICENSE.txt"
put "$deps/arrow/NOTICE.txt" "$doc/third_party/arrow/NOTICE.txt"
put "$deps/duckdb/LICENSE" "$doc/third_party/duckdb/LICENSE"
put "$deps/simdjson/LICENSE" "$doc/third_party/simdjson/LICENSE"
for package in libboost1.81-dev libcli11-dev nlohmann-json3-dev libfmt-dev libhowardhinnant-date-dev libxxhash-dev; do
  put "/usr/share/doc/$package/copyright" "$doc/third_party/$package/copyright"
done

completion() { # shell path
  mkdir -p "$(dirname "$root/$2")"
  "$root/usr/bin/adweave" completion "$1" >"$root/$2"
}
completion bash usr/share/bash-completion/completions/adweave
completion zsh usr/share/zsh/vendor-completions/_adweave
completion fish usr/share/fish/vendor_completions.d/adweave.fish

# Debian's packages with the shared libraries, each in the version that has the symbols which are used.
mkdir "$work/debian" "$root/DEBIAN"
printf 'Source: adweave\n\nPackage: adweave\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O -xadweave -Sroot -lroot/usr/lib/adweave \
  -eroot/usr/bin/adweave root/usr/lib/adweave/* 2>"$work/shlibdeps.log" | sed -n 's/^shlibs:Depends=//p') ||
  { cat "$work/shlibdeps.log" >&2; exit 1; }

version=$(head -1 VERSION)
architecture=$(dpkg --print-architecture)
kibibytes=$(find "$root" -type f -printf '%s\n' | awk '{sum += int(($1 + 1023) / 1024)} END {print sum}')
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@KIBIBYTES@/$kibibytes/" -e "s/@LIBRARIES@/$libraries/" \
  packaging/debian/control >"$root/DEBIAN/control"
(cd "$root" && find etc -type f -printf '/%p\n' | sort >DEBIAN/conffiles)
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
install -m 755 packaging/debian/{postinst,prerm,postrm} "$root/DEBIAN/"

package=$out/adweave_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zzstd --build "$root" "$package" >"$work/build.log"
echo "$package"
