#!/usr/bin/env bash
# Measures the program over loopback against its own simulator: the figures in docs/benchmarks.md.
# Usage: benches/loopback.sh ACCOUNTS [TENANT_QUOTA] [CLIENT_QUOTA] [LATENCY_MS]      (LOOKUP=off: without a look first)
# Needs a release build (or PASSWAVE=PROGRAM), GNU time and python3; everything happens in a temporary folder.
set -euo pipefail

accounts=${1:?how many accounts}
tenant_quota=${2:-3000/150s}
client_quota=${3:-$tenant_quota}
latency_ms=${4:-0}
passwave=$(realpath "${PASSWAVE:-$(dirname "$0")/../target/release/passwave}")

place=$(mktemp -d)
trap 'kill "$tenant" 2>/dev/null; rm -rf "$place"' EXIT
cd "$place"
# What other runs on this machine have spent of the quota does not count here.
export PASSWAVE_STATE_DIR=$place/state

seq 1 "$accounts" | awk 'BEGIN { print "userPrincipalName,displayName,department" }
    { print "user" $1 "@contoso.com,User Number " $1 ",Year 7" }' >roster.csv
echo "{\"latency_ms\": $latency_ms}" >faults.json
"$passwave" simulate --accounts "$accounts" --write-quota "$tenant_quota" --faults faults.json >tenant.json &
tenant=$!
until [ -s tenant.json ]; do sleep 0.1; done
field() { python3 -c 'import json, sys; print(json.load(open("tenant.json"))[sys.argv[1]])' "$1"; }
AZURE_TENANT_ID=$(field tenant_id) AZURE_CLIENT_ID=$(field client_id) AZURE_CLIENT_SECRET=$(field client_secret)
export AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET
url=$(field url)

/usr/bin/time -f '%U %S %M %e' -o time.txt "$passwave" reset roster.csv --run-dir run --yes \
    --graph-endpoint "$url" --authority-host "$url" --write-quota "$client_quota" --lookup "${LOOKUP:-auto}" 2>words.txt ||
    { cat words.txt; exit 1; }

python3 - "$accounts" "$tenant_quota" <<'PYTHON'
import json, sys
accounts, (burst, per) = int(sys.argv[1]), sys.argv[2].rstrip("s").split("/")
user, system, rss, wall = map(float, open("time.txt").read().split())
summary = json.load(open("run/summary.json"))
assert summary["counts"]["reset"] == accounts, summary["counts"]
bound = max(0, accounts - int(burst)) * int(per) / int(burst)
print(f"first to last write     {summary['seconds']:.2f} s", end="")
print(f" = {summary['seconds'] / bound:.3f} of the bound {bound:.1f} s" if bound > 1 else "")
print(f"accounts a second       {accounts / summary['seconds']:,.0f}")
print(f"answered 429            {summary['throttled']} ({summary['throttled'] / accounts:.2%} of the accounts)")
print(f"client processor time   {(user + system) / accounts * 1e6:.1f} us an account")
print(f"client peak memory      {rss / 1024:.0f} MiB")
print(f"whole program           {wall:.2f} s")
PYTHON
