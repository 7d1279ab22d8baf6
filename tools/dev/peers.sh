# Peers: the systems that the tests in tests/integration/peers run. They come from package registries, pinned, into .cache/peers.

DEBIAN_PEERS=(openjdk-17-jre-headless maven openssl)
PEERS=(prometheus kafka apicurio flume nifi spark)  # the short ones first
declare -A PEER_JAVA=([apicurio]=21)  # the oldest that runs it, where Debian's 17 does not
# What takes deliveries and watches folders.
DELIVERY_PATHS='src/net/http_* src/serve/collector* src/serve/event_* src/source/find_* src/engine/folder_* tests/integration/peers/front.py'
# What a peer sees of us; a change to it makes `./dev ci` run its tests. Patterns of git, not of the shell.
declare -A PEER_PATHS=(
  [prometheus]='.'  # whatever changes
  [kafka]='.'
  [apicurio]='src/registry/remote_* src/net/http_client* src/engine/schema_fetcher* tests/integration/peers/*apicurio*'
  [flume]="$DELIVERY_PATHS packaging/flume tests/integration/peers/*flume*"
  [nifi]="$DELIVERY_PATHS packaging/nifi tests/integration/peers/*nifi*"
  [spark]='src/lake src/ledger src/engine/publish_* src/engine/seal* src/query/ddl* tests/integration/peers/*spark*'
)

# Its own where there is NAME.requirements, else the one of all tests.
peer_python() { [ -f "tests/integration/peers/$1.requirements" ] && echo ".cache/peers/$1/venv/bin/python" || echo .cache/venv/bin/python; }

# Python with what NAME.requirements pins: first all but pyspark, which is built by what came first.
setup_peer_python() { # name
  local pins=tests/integration/peers/$1.requirements venv=.cache/peers/$1/venv
  cmp -s "$pins" "$venv/requirements.txt" && return
  say "setup: Python packages of $pins"
  rm -rf "$venv"
  python3 -m venv "$venv"
  grep -v '^pyspark==' "$pins" >"$venv/first.txt"
  local pip=("$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --require-hashes)
  "${pip[@]}" --only-binary :all: -r "$venv/first.txt"
  # Packed without compression: half a gigabyte is unpacked again at once.
  "${pip[@]}" --no-build-isolation --no-compile --config-settings=--build-option=--compression=stored -r "$pins"
  cp "$pins" "$venv/requirements.txt"
}

# The list's sums as `sha256sum --check` takes them.
jar_sums() { # list
  awk -F '[: ]' '{print $NF "  " $2 "-" $3 (NF > 5 ? "-" $5 : "") "." (NF > 4 ? $4 : "jar")}' "$1"
}

# Jars of a list, "group:artifact:version[:type[:classifier]] sha256" a line, in .cache/peers/jars/NAME. They are checked each time.
setup_jars() { # name
  local list=tests/integration/peers/$1.jars folder=.cache/peers/jars/$1
  if [ -d "$folder" ] && jar_sums "$list" | (cd "$folder" && sha256sum --check --status -); then return; fi
  say "setup: jars of $list"
  rm -rf "$folder"
  mkdir -p "$folder"
  awk -F '[: ]' '
    BEGIN {
      print "<project><modelVersion>4.0.0</modelVersion><groupId>adweave</groupId><artifactId>peers</artifactId>"
      print "<version>1</version><packaging>pom</packaging><dependencies>"
    }
    {
      print "<dependency><groupId>" $1 "</groupId><artifactId>" $2 "</artifactId><version>" $3 "</version>"
      if (NF > 4) print "<type>" $4 "</type>"
      if (NF > 5) print "<classifier>" $5 "</classifier>"
      print "<exclusions>"
      print "<exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"
    }
    END { print "</dependencies></project>" }' "$list" >"$folder/pom.xml"
  mvn -q -B -f "$folder/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DoutputDirectory=. >"$folder/mvn.log" 2>&1 || { tail -20 "$folder/mvn.log" >&2; fail "mvn could not fetch the jars of $list"; }
  jar_sums "$list" | (cd "$folder" && sha256sum --check --quiet - >&2) || fail "a jar of $list is not the one that was pinned"
}

# The Debian packages of a list, in .cache/peers/NAME: unpacked and not installed, so that no service begins.
setup_unpacked() { # name
  local list=tests/integration/peers/$1.debian folder=.cache/peers/$1
  cmp -s "$list" "$folder/packages" && return
  say "setup: Debian packages of $list"
  rm -rf "$folder"
  mkdir -p "$folder/archives"
  in_turn apt as_root apt-get -qq update >&2
  (cd "$folder/archives" && xargs apt-get -qq download) <"$list" >"$ROOT/.cache/apt.log" 2>&1 ||
    { tail -20 "$ROOT/.cache/apt.log" >&2; fail "apt-get could not download what $list names"; }
  local archive
  for archive in "$folder"/archives/*.deb; do dpkg-deb -x "$archive" "$folder"; done
  rm -r "$folder/archives"
  cp "$list" "$folder/packages"
}

# A peer is a Python with jars, or Debian packages.
setup_peer() { # name
  setup_build
  if [ -f "tests/integration/peers/$1.debian" ]; then
    setup_python
    setup_unpacked "$1"
    return
  fi
  setup_debian "${DEBIAN_PEERS[@]}"
  if [ -f "tests/integration/peers/$1.requirements" ]; then setup_peer_python "$1"; else setup_python; fi
  setup_jars "$1"
}

# A java that runs the peer: Debian's, or one that is on this machine and new enough.
peer_java() { # name
  local oldest=${PEER_JAVA[$1]:-} folder version
  [ -n "$oldest" ] || { dpkg-query -L openjdk-17-jre-headless | grep '/bin/java$'; return; }
  for folder in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$folder/release" 2>/dev/null) || continue
    [ "${version:-0}" -lt "$oldest" ] || { echo "$folder/bin/java"; return; }
  done
  fail "$1 needs Java $oldest or newer, in JAVA_HOME or /usr/lib/jvm"
}

# The tests against a peer (test_NAME.py, test_NAME_*.py): in its Python, or with its programs in PATH.
test_peer() { # name
  if [ -f "tests/integration/peers/$1.debian" ]; then
    PATH=$ROOT/.cache/peers/$1/usr/bin:$PATH PYTHONPATH=$ROOT/tests/integration test_python "tests/integration/peers/test_$1.py"
    return
  fi
  local java file
  java=$(peer_java "$1")
  for file in tests/integration/peers/test_"$1".py tests/integration/peers/test_"$1"_*.py; do
    [ -f "$file" ] || continue
    JAVA_HOME=${java%/bin/java} PYTHONPATH=$ROOT/tests/integration test_python "$file" "$(peer_python "$1")"
  done
}

# ./dev test --peers [NAME ...]
test_peers() {
  local peer
  for peer in "$@"; do
    [ -n "${PEER_PATHS[$peer]:-}" ] || fail "there is no peer $peer; there are: ${PEERS[*]}"
  done
  [ $# -gt 0 ] || set -- "${PEERS[@]}"
  for peer in "$@"; do setup_peer "$peer"; done
  build_preset release adweave
  for peer in "$@"; do test_peer "$peer"; done
}

# What a change is compared with: where it left the main branch, else the commit before.
peers_base() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null) || base=
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=HEAD~1; fi
  git rev-parse --verify --quiet "$base" || git hash-object -t tree /dev/null
}

# The change touches what the peer sees.
peer_changed() { # name
  local paths
  read -ra paths <<<"${PEER_PATHS[$1]}"
  [ -n "$(git diff --name-only "$(peers_base)" -- "${paths[@]}")" ] ||
    [ -n "$(git ls-files --others --exclude-standard -- "${paths[@]}")" ]
}
