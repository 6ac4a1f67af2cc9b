"""Checks the hash chain of evidence.json, and that of each tenant's if it is a fleet's: python3 check_evidence.py FILE"""

import hashlib
import json
import os
import sys


def check(name):
    with open(name, "rb") as file:
        content = file.read()
    text, link = content.decode(), ""
    for line in text.split("\n"):
        if ',"chain":"' in line:
            own, rest = line.rsplit(',"chain":"', 1)
            link = hashlib.sha256((link + own + "}").encode()).hexdigest()
            if not rest.startswith(link):
                sys.exit(name + ": changed: " + line)
    evidence = json.loads(text)
    if evidence["final_chain"] != link:
        sys.exit(name + ": the end was changed")
    for row in evidence["rows"]:
        if "sha256" in row and check(os.path.join(os.path.dirname(name), row["file"])) != row["sha256"]:
            sys.exit(row["file"] + ": not the file that was written then")
    return hashlib.sha256(content).hexdigest()


check(sys.argv[1])
