"""What an administrator may write: resets a roster with batches of 20 and 16 requests in flight. No retries, no record.

Usage: python3 benches/script.py ROSTER URL     (with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET)
Needs aiohttp. benches/against_script.sh compares passwave with it.
"""

import asyncio
import csv
import os
import secrets
import sys
import time

import aiohttp

IN_FLIGHT = 16
BATCH = 20


async def token(http, url):
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"],
        "scope": f"{url}/.default",
    }
    async with http.post(f"{url}/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token", data=form) as answer:
        return (await answer.json())["access_token"]


def change(number, name):
    profile = {"password": secrets.token_urlsafe(12) + "aA1!", "forceChangePasswordNextSignIn": True}
    return {
        "id": str(number),
        "method": "PATCH",
        "url": f"/users/{name}",
        "headers": {"Content-Type": "application/json"},
        "body": {"passwordProfile": profile},
    }


async def send(http, url, headers, names, done):
    requests = [change(number, name) for number, name in enumerate(names)]
    async with http.post(f"{url}/v1.0/$batch", json={"requests": requests}, headers=headers) as answer:
        for item in (await answer.json())["responses"]:
            done.append((names[int(item["id"])], item["status"]))


async def main(roster, url):
    with open(roster, newline="", encoding="utf-8") as file:
        names = [row["userPrincipalName"] for row in csv.DictReader(file)]
    begun, done, slots = time.monotonic(), [], asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as http:
        headers = {"Authorization": f"Bearer {await token(http, url)}"}

        async def one(part):
            async with slots:
                await send(http, url, headers, part, done)

        await asyncio.gather(*(one(names[at : at + BATCH]) for at in range(0, len(names), BATCH)))
    reset = sum(status == 204 for _, status in done)
    print(f"{reset} of {len(names)} in {time.monotonic() - begun:.2f} s")


asyncio.run(main(*sys.argv[1:]))
