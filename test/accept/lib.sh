# What acceptance scripts share; see run. Source it first:
#   . "$TREE/test/accept/lib.sh"
# A command that fails ends the script, and the log says where.
set -Eeuo pipefail
trap 'echo "failed: line $LINENO: $BASH_COMMAND"' ERR
export PATH=$TREE/.tools/bin:$PATH:/usr/sbin:/sbin

# figure TEXT: what was measured, for the table
figure() { echo "FIGURE $*"; }

# bound TEXT: what the figure must not pass, for the table
bound() { echo "BOUND $*"; }

# fail TEXT: ends the script as failed and says why
fail() {
  echo "failed: $*"
  echo "FIGURE $*"
  exit 1
}

# A script with many checks notes each one that does not hold, and ends with verdict.
broken=0

# wrong TEXT: notes that something does not hold, and goes on
wrong() {
  echo "wrong: $*"
  broken=$((broken + 1))
  [ $broken -gt 3 ] || echo "FIGURE $*"
}

# verdict: ends the script as failed when wrong was called
verdict() {
  [ $broken -eq 0 ] && return
  echo "$broken checks do not hold; look for \"wrong:\" above"
  exit 1
}

# installed FILE PACKAGE: installs PACKAGE by apt-get unless the program FILE is there
installed() {
  command -v "$1" >/dev/null && return
  echo "installing $2"
  "$TREE/scripts/asroot" sh -c '
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -q -y --no-install-recommends "$@"
  ' sh "$2" >"$WORK/apt.log" 2>&1 || { tail -n 20 "$WORK/apt.log"; fail "cannot install $2"; }
}

# gotool PROGRAM MODULE@VERSION: installs a Go program into TREE/.tools/bin
gotool() {
  command -v "$1" >/dev/null && return
  echo "installing $2"
  CGO_ENABLED=0 GOBIN=$TREE/.tools/bin go install "$2"
}

# pin NAME: the module and version that the Makefile has under this name
pin() { sed -n "s/^$1 *:= *//p" "$TREE/Makefile"; }

# helper NAME: builds the program test/accept/cmd/NAME into TREE/.tools/bin
helper() {
  mkdir -p "$TREE/.tools/bin"
  (cd "$TREE" && CGO_ENABLED=0 go build -buildvcs=false -o ".tools/bin/accept-$1" "./test/accept/cmd/$1")
}

# timed COMMAND…: runs it and leaves, in seconds, wall time and processor time
# (its children's too) in the variables WALL and CPU, and the largest resident
# size of a process, in kB, in RSS
timed() {
  installed /usr/bin/time time
  local to=$WORK/timed code=0
  /usr/bin/time -q -o "$to" -f '%e %U %S %M' "$@" || code=$?
  [ $code -eq 0 ] || return $code
  read -r WALL CPU RSS < <(awk '{ printf "%s %.2f %s\n", $1, $2 + $3, $4 }' "$to")
}

# clock COMMAND…: as timed, with wall time to the millisecond and nothing else, in WALL
clock() {
  local start=${EPOCHREALTIME/[.,]/} code=0
  "$@" || code=$?
  WALL=$(awk -v us=$((${EPOCHREALTIME/[.,]/} - start)) 'BEGIN { printf "%.3f", us / 1000000 }')
  return $code
}

# median NUMBER…
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# most A B: A is at most B
most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

# ratio A B: A divided by B
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }

# build FILE PLINTH-ARGUMENTS…: plinth build, its closing table as JSON into FILE.
# A failed build prints what plinth said and returns its code.
build() {
  local to=$1 code=0
  shift
  "$PLINTH" build --progress quiet --format json "$@" >"$to" 2>"$to.err" || code=$?
  [ $code -eq 0 ] || cat "$to.err"
  return $code
}

# ended FILE STATUS: the targets that ended so, sorted, on one line
ended() { jq -r --arg s "$2" '[.targets[] | select(.status == $s).target] | sort | join(" ")' "$1"; }

# digests FILE: "target digest" lines, sorted
digests() { jq -r '.targets[] | "\(.target) \(.digest)"' "$1" | sort; }

# manifest STORE TARGET: the digest under the name in an OCI layout
manifest() { jq -r --arg n "$2" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $n).digest' "$1/index.json"; }

# blob STORE DIGEST: the blob's file
blob() { echo "$1/blobs/${2/://}"; }
