# What acceptance scripts share; see run. Source it first:
#   . "$TREE/test/accept/lib.sh"
# A command that fails ends the script, and the log says where.
set -Eeuo pipefail
trap 'echo "failed: line $LINENO: $BASH_COMMAND"' ERR

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
