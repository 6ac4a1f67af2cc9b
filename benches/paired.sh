#!/usr/bin/env bash
# Compares two programs: runs benches/loopback.sh with each in turn, and prints the median of the ratios of their figures.
# A machine that is busy slows both, so the ratios hold there, too.
# Usage: benches/paired.sh ROUNDS OLD NEW ACCOUNTS [TENANT_QUOTA] [CLIENT_QUOTA] [LATENCY_MS]      (LOOKUP as for loopback.sh)
set -euo pipefail

rounds=${1:?how many rounds} old=${2:?the old program} new=${3:?the new program}
shift 3
here=$(dirname "$0")
found=$(mktemp)
trap 'rm -f "$found"' EXIT
for ((round = 1; round <= rounds; round++)); do
    for program in "$old" "$new"; do
        echo "# $program" >>"$found"
        PASSWAVE=$program "$here/loopback.sh" "$@" >>"$found"
    done
done

python3 - "$found" <<'PYTHON'
import re, statistics, sys
runs = open(sys.argv[1]).read().split("# ")[1:]
figures = [dict(re.findall(r"^(\S.*?)\s{2,}([\d.,]+)", run, re.M)) for run in runs]
number = lambda text: float(text.replace(",", ""))
for name in figures[0]:
    pairs = [(number(one[name]), number(two[name])) for one, two in zip(figures[::2], figures[1::2])]
    if all(one > 0 for one, _ in pairs):
        ratios = [two / one for one, two in pairs]
        print(f"{name:24}{statistics.median(ratios):.3f}   ({', '.join(f'{ratio:.3f}' for ratio in ratios)})")
PYTHON
