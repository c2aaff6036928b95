#!/usr/bin/env bash
# Verify the gradient rules of one or several plugin packages against a given opreg.
#
#   ci/downstream.sh OPREG MODULE REQUIREMENT...
#
#   OPREG        what pip is to install as opreg: a folder, a wheel or a requirement such as 'opreg==1.2'
#   MODULE       whose rules to verify: the name of an entry point in the group `opreg`
#   REQUIREMENT  what pip is to install beside it: the plugin's folder, wheel or name
#
# Samples per primitive: $SAMPLES (200). The report is written to $REPORT (./report). The exit status is that of
# `opreg verify`.
set -euo pipefail

if [ $# -lt 3 ]; then
  sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
opreg=$1 module=$2
shift 2

case $opreg in
  */* | .) opreg="$opreg[verify]" ;;
  opreg*) opreg="opreg[verify]${opreg#opreg}" ;;
esac

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet "$opreg" "$@"
report=$(realpath -m "${REPORT:-report}")
cd "$scratch" # not in a source tree: what is installed is what is verified
"$scratch/venv/bin/opreg" list --plugins
"$scratch/venv/bin/opreg" verify "$module" --samples "${SAMPLES:-200}" --report "$report"
