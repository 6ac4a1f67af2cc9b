#!/usr/bin/env bash
# Compares passwave with benches/script.py over loopback, in turn: the median of the speeds' ratios, without a look and with it.
# Usage: benches/against_script.sh ROUNDS ACCOUNTS LATENCY_MS
# Needs a release build (or PASSWAVE=PROGRAM), and python3 with aiohttp (or PYTHON=INTERPRETER).
set -euo pipefail

rounds=${1:?how many rounds} accounts=${2:?how many accounts} latency_ms=${3:?the latency}
here=$(realpath "$(dirname "$0")") python=${PYTHON:-python3}
passwave=$(realpath "${PASSWAVE:-$here/../target/release/passwave}")

place=$(mktemp -d)
trap 'kill "$tenant" 2>/dev/null; rm -rf "$place"' EXIT
cd "$place"
# What other runs on this machine have spent of the quota does not count here.
export PASSWAVE_STATE_DIR=$place/state

seq 1 "$accounts" | awk 'BEGIN { print "userPrincipalName" } { print "user" $1 "@contoso.com" }' >roster.csv
echo "{\"latency_ms\": $latency_ms}" >faults.json
"$passwave" simulate --accounts "$accounts" --write-quota 1000000/1s --faults faults.json >tenant.json &
tenant=$!
until [ -s tenant.json ]; do sleep 0.1; done
field() { "$python" -c 'import json, sys; print(json.load(open("tenant.json"))[sys.argv[1]])' "$1"; }
AZURE_TENANT_ID=$(field tenant_id) AZURE_CLIENT_ID=$(field client_id) AZURE_CLIENT_SECRET=$(field client_secret)
export AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET
url=$(field url)

for ((round = 1; round <= rounds; round++)); do
    "$python" "$here/script.py" roster.csv "$url" | sed 's/.* in \(.*\) s/script \1/'
    for lookup in off required; do
        /usr/bin/time -f "$lookup %e" -o time.txt "$passwave" reset roster.csv --run-dir "run-$lookup-$round" --yes --lookup "$lookup" \
            --alongside --graph-endpoint "$url" --authority-host "$url" --write-quota 1000000/1s 2>words.txt || { cat words.txt; exit 1; }
        cat time.txt
    done
done | tee times.txt >&2

"$python" - times.txt <<'PYTHON'
import statistics, sys
rows = [line.split() for line in open(sys.argv[1])]
times = {name: [float(time) for kind, time in rows if kind == name] for name in ("script", "off", "required")}
for name, what in (("off", "without a look"), ("required", "with a look")):
    ratios = [script / own for script, own in zip(times["script"], times[name])]
    print(f"speed {what}: {statistics.median(ratios):.2f} of the script's ({', '.join(f'{ratio:.2f}' for ratio in ratios)})")
PYTHON
