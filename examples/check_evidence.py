"""Checks the hash chain of evidence.json: python3 check_evidence.py FILE"""

import hashlib
import json
import sys

with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
    text = file.read()
link = ""
for line in text.split("\n"):
    if ',"chain":"' in line:
        own, rest = line.rsplit(',"chain":"', 1)
        link = hashlib.sha256((link + own + "}").encode()).hexdigest()
        if not rest.startswith(link):
            sys.exit("changed: " + line)
if json.loads(text)["final_chain"] != link:
    sys.exit("the end was changed")
