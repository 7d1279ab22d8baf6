# SPDX-License-Identifier: Apache-2.0
"""Endpoints whose parameters become events: what browsers, servers and exchanges call."""

import hashlib
import hmac
import re
import signal
import subprocess
import sys
import unittest
from urllib.parse import urlencode

import openapi_spec_validator

from adweave import ROOT
from adweave_server import ServerTest


KEY = "0123456789abcdef0123456789abcdef"


def signature(text: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


class ApiTest(ServerTest):
    def refused(self, status: int, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> str:
        """Asks for what is refused; what was wrong with it."""
        found, value, answer = self.ask(method, path, body, **headers)
        self.assertEqual(found, status, value)
        self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
        self.assertTrue(value["detail"] and value["fix"], value)
        return value["detail"]


class EventEndpointsTest(ApiTest):
    CONFIG = (ROOT / "config/examples/tracking.yaml").read_text()

    def start(self) -> None:
        super().start(ADWEAVE_SIGNING_KEY=KEY)

    def test_a_pixel_is_an_impression(self) -> None:
        self.start()
        shown = urlencode({"id": "i 1", "user": "Zoë", "creative": "c&1", "campaign": "summer"})
        for _ in range(2):  # a browser asks again
            status, image, answer = self.ask("GET", "/v1/i.gif?" + shown, User_Agent="Browser/1", Referer="https://News.example/a?b")
            self.assertEqual((status, answer.getheader("Content-Type"), answer.getheader("Cache-Control")), (200, "image/gif", "no-store"))
            self.assertEqual(image.encode("latin-1").hex(), "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
        self.assertEqual(self.stop(), 0)
        self.assertEqual(
            self.sql("SELECT event_id, user_id, creative_id, campaign_id, website, user_agent, extra, event_time = received_time AS now "
                     "FROM impressions"),
            [{"event_id": "i 1", "user_id": "Zoë", "creative_id": "c&1", "campaign_id": "summer", "website": "news.example",
              "user_agent": "Browser/1", "extra": None, "now": True}])
        self.check_conservation()
        total = self.total()
        self.assertEqual((total["received"], total["accepted"], total["duplicate"]), (2, 1, 1))

    def test_a_click_leads_on_once_it_is_kept(self) -> None:
        self.start()
        shop = "https://shop.example/sale?a=1&b=%20c#top"
        click = {"id": "c1", "user": "u1", "campaign": "summer", "impression": "i1", "to": shop, "sig": signature(shop)}
        status, body, answer = self.ask("GET", "/v1/c?" + urlencode(click))
        self.assertEqual((status, body, answer.getheader("Location"), answer.getheader("Cache-Control")), (302, "", shop, "no-store"))
        self.stop(signal.SIGKILL)  # what led on is durable
        self.start()
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT event_id, click_id, user_id, campaign_id, impression_id FROM clicks"),
                         [{"event_id": "c1", "click_id": "c1", "user_id": "u1", "campaign_id": "summer", "impression_id": "i1"}])

    def test_a_click_leads_nowhere_else(self) -> None:
        self.start()
        shop, click = "https://shop.example/", {"id": "c1", "user": "u1", "campaign": "summer"}
        self.refused(400, "/v1/c?" + urlencode(click))
        self.refused(403, "/v1/c?" + urlencode({**click, "to": shop}))
        for to, sig in (("https://evil.example/", signature(shop)), (shop + "x", signature(shop)), (shop, signature(shop)[:-1]),
                        (shop, signature(shop, "another key that is long enough.")), (shop, ""), ("", signature(shop))):
            self.assertIn("sig", self.refused(403, "/v1/c?" + urlencode({**click, "to": to, "sig": sig})))
        for to in ("javascript:alert(1)", "//shop.example/", "https:///x", "ftp://shop.example/", "https://shop.example/a b",
                   "https://shop.example/\r\nSet-Cookie: a=b", "https://shop.example/é", "https:\\\\shop.example", "shop.example", "https://"):
            self.refused(400, "/v1/c?" + urlencode({**click, "to": to, "sig": signature(to)}))
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM audit"), [{"n": 0}])

    def signed(self, target: str, more: str = "") -> str:
        return f"{target}&sig={signature(target)}{more}"

    def test_a_postback_is_a_conversion(self) -> None:
        self.start()
        target = "/v1/p?id=o1&click=c1&user=u%201&type=purchase&value=9.99&currency=EUR"
        status, _, answer = self.ask("GET", self.signed(target))
        self.assertEqual((status, answer.getheader("Cache-Control")), (204, "no-store"))
        form = self.signed(target.replace("o1", "o2")).removeprefix("/v1/p?").encode()
        headers = {"Content_Type": "application/x-www-form-urlencoded; charset=utf-8"}
        self.assertEqual(self.ask("POST", "/v1/p", form, **headers)[0], 204)
        # Neither changed, nor more, nor elsewhere.
        self.refused(403, target)
        self.refused(403, self.signed(target).replace("9.99", "999"))
        self.refused(403, self.signed(target, "&value_2=1"))
        self.refused(403, self.signed(target.replace("/v1/p", "/v1/win")).replace("/v1/win", "/v1/p"))
        self.refused(403, "/v1/p?sig=" + signature("/v1/p?"))
        self.refused(403, "/v1/p", "POST", form.replace(b"9.99", b"999"), **headers)
        self.refused(400, "/v1/p?a=1", "POST", b"b=1&sig=" + signature("/v1/p?a=1?b=1").encode(), **headers)
        self.refused(415, "/v1/p", "POST", form, Content_Type="application/json")
        bad, large = "/v1/p?a=%zz", "/v1/p?a=" + "1" * 65536
        self.refused(400, "/v1/p", "POST", self.signed(bad).removeprefix("/v1/p?").encode(), **headers)
        self.refused(413, "/v1/p", "POST", self.signed(large).removeprefix("/v1/p?").encode(), **headers)
        self.assertEqual(self.stop(), 0)
        row = {"user_id": "u 1", "click_id": "c1", "conversion_type": "purchase", "value": "9.990000000", "currency": "EUR"}
        self.assertEqual(self.sql(f"SELECT order_id, {', '.join(row)} FROM conversions ORDER BY 1"),
                         [{"order_id": "o1", **row}, {"order_id": "o2", **row}])
        self.check_conservation()

    def test_notices_are_outcomes_of_an_auction(self) -> None:
        self.start()
        for notice, macros in (("win", "&imp=1&price=2.50&currency=USD"), ("bill", "&imp=1&price=2.50&currency=USD"),
                               ("loss", "&imp=2&loss=102&min_to_win=3.75&currency=USD&price=")):
            for _ in range(2):
                target = f"/v1/{notice}?auction=a1&bid=b1"
                self.assertEqual(self.ask("GET", self.signed(target, macros))[0], 204)
            self.refused(403, self.signed(target, macros).replace("a1", "a2"))
        self.assertIn("'outcome'", self.refused(400, self.signed("/v1/win?auction=a1", "&outcome=loss")))
        self.assertEqual(self.stop(), 0)
        self.assertEqual(
            self.sql("SELECT event_id, auction_id, imp_id, outcome, loss_reason, price, min_to_win, currency FROM auction_outcomes "
                     "ORDER BY event_id"),
            [{"event_id": f"a1-b1-{outcome}", "auction_id": "a1", "imp_id": imp, "outcome": outcome, "loss_reason": loss, "price": price,
              "min_to_win": least, "currency": "USD"} for outcome, imp, loss, price, least in (
                  ("billed", "1", None, "0.002500000", None), ("loss", "2", 102, None, "0.003750000"),
                  ("win", "1", None, "0.002500000", None))])
        total = self.total()
        self.assertEqual((total["accepted"], total["duplicate"], total["rejected"]), (3, 3, 0))
        self.check_conservation()

    def test_what_the_documents_sign_is_signed(self) -> None:
        """The commands of docs/reference/http-api.md make signatures that the server takes."""
        page = (ROOT / "docs/reference/http-api.md").read_text()
        self.write("signing.key", KEY + "\n")
        commands = re.findall(r"^printf %s '(.*?)' \| openssl .*$", page, re.MULTILINE)
        self.assertEqual(len(commands), 2)
        for text, command in zip(commands, re.findall(r"^printf %s .*$", page, re.MULTILINE), strict=True):
            done = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout.split()[0], signature(text))

    def test_keys_are_taken_in_turn(self) -> None:
        new, shop = "f" * 64, "https://shop.example/"
        self.write("new.key", new + "\r\n")
        self.config = self.write("adweave.yaml", self.CONFIG.replace("[{variable", "[{file: new.key}, {variable"))
        self.start()
        for key in (new, KEY):
            click = {"to": shop, "sig": signature(shop, key), "id": key[0], "campaign": "c"}
            self.assertEqual(self.ask("GET", "/v1/c?" + urlencode(click))[0], 302)
        self.stop()
        for missing, what in (("short", "has 5 bytes"), ("", "ADWEAVE_SIGNING_KEY")):
            said = self.adweave("serve", "-c", self.config, "--data", self.data, code=78, env={"ADWEAVE_SIGNING_KEY": missing}).stderr
            self.assertIn(what, said)
            self.assertNotIn("short", said)

    def test_what_is_no_event_is_refused(self) -> None:
        self.start()
        self.assertIn("no event", self.refused(400, "/v1/i.gif"))
        self.assertIn("'http'", self.refused(400, "/v1/i.gif?id=1&http=me"))
        self.assertIn("'id' is there twice", self.refused(400, "/v1/i.gif?id=1&id=2"))
        self.assertIn("UTF-8", self.refused(400, "/v1/i.gif?id=%ff"))
        self.refused(405, "/v1/i.gif?id=1", "POST")
        self.assertEqual(self.ask("HEAD", "/v1/i.gif?id=1")[0], 405)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM audit"), [{"n": 0}])


class DescriptionTest(ApiTest):
    """GET /openapi.json tells programs the truth."""

    CONFIG = EventEndpointsTest.CONFIG.replace("access: signature", "access: anyone").replace(
        "serve:\n", "serve:\n  tokens: [{name: t, role: admin, sha256: " + hashlib.sha256(b"t").hexdigest() + "}]\n")

    def test_it_is_valid_and_names_every_endpoint(self) -> None:
        self.config = self.write("adweave.yaml", EventEndpointsTest.CONFIG)
        self.start(ADWEAVE_SIGNING_KEY=KEY)
        status, description, answer = self.ask("GET", "/openapi.json")
        self.assertEqual((status, answer.getheader("Content-Type")), (200, "application/json"))
        openapi_spec_validator.validate(description, cls=openapi_spec_validator.OpenAPIV31SpecValidator)
        described = [f"{verb.upper()} {path}" for path, verbs in description["paths"].items() for verb in verbs]
        known = self.ask("GET", "/nowhere")[1]["fix"].removeprefix("there are ").split(", ")
        self.assertEqual(sorted(described), sorted(known))
        self.assertEqual(len(described), 12 + 29)
        for path, verbs in description["paths"].items():
            for verb, operation in verbs.items():
                names = [parameter["name"] for parameter in operation["parameters"]]
                is_signed = path in ("/v1/c", "/v1/win", "/v1/loss", "/v1/bill", "/v1/p")
                self.assertEqual("sig" in names, is_signed and verb == "get", path)
                self.assertEqual("403" in operation["responses"], is_signed, path)

    def test_the_server_does_what_it_describes(self) -> None:
        """Schemathesis asks what the description allows, and what it does not, of every endpoint."""
        self.start(ADWEAVE_SIGNING_KEY=KEY)
        # No schema can say that a key was used for another body; in a query all that is no text has become one.
        self.write("schemathesis.toml", "[[operations]]\ninclude-path = '/v1/events'\n"
                   "checks.positive_data_acceptance.expected-statuses = [200, 422]\n"
                   "[[operations]]\ninclude-path-regex = '^/v1/(i.gif|c|p|win|loss|bill)$'\n"
                   "checks.negative_data_rejection.enabled = false\n"
                   # Nor what a schema, a subject or a version is that is there, and fits.
                   "[[operations]]\ninclude-path-regex = '^/(subjects|schemas|compatibility|config|mode)(/|$)'\n"
                   "checks.negative_data_rejection.enabled = false\n"
                   "checks.positive_data_acceptance.expected-statuses = [200, 400, 404, 409, 422]\n")
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{self.port}/openapi.json", "--header",
             "Authorization: Bearer t", "--max-examples", "20", "--seed", "1", "--generation-database", "none",
             "--suppress-health-check", "filter_too_much", "--no-color"],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"Tested: 40\n")  # all but the description itself
        self.assertEqual(self.stop(), 0)
        self.check_conservation()
        self.assertGreater(self.total()["received"], 100)


class OtherEndpointsTest(ServerTest):
    CONFIG = "sources: [{name: s, http: true, format: json, kind: click, fields: {campaign_id: c, event_time: {receipt: true}}}]\n"

    def test_what_is_not_configured_is_not_there(self) -> None:
        self.start()
        for path in ("/v1/i.gif?id=1", "/v1/c?to=x", "/v1/p?id=1", "/v1/win?id=1", "/v1/loss?id=1", "/v1/bill?id=1"):
            status, value, _ = self.ask("GET", path)
            self.assertEqual(status, 404)
            self.assertTrue(value["fix"].startswith("there are POST /v1/events, GET /metrics, GET /livez, GET /readyz, GET /openapi.json, GET /, "))
            self.assertNotIn("/v1/", value["fix"].removeprefix("there are POST /v1/events"))

    def test_who_may_tell(self) -> None:
        token = hashlib.sha256(b"secret").hexdigest()
        self.config = self.write("adweave.yaml", self.CONFIG + "serve: {tokens: [{name: n, sha256: " + token + "}], pixel: {source: s}, "
                                 "postback: {source: s}, notices: {source: s, access: anyone}}\n")
        self.start()
        self.assertEqual(self.ask("GET", "/v1/i.gif?c=1")[0], 200)
        self.assertEqual(self.ask("GET", "/v1/win?c=2&sig=3")[0], 204)
        self.assertEqual(self.ask("GET", "/v1/p?c=3")[0], 401)
        self.assertEqual(self.ask("GET", "/v1/p?c=3", Authorization="Bearer secret")[0], 204)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT campaign_id, extra->>'sig' AS sig FROM clicks ORDER BY 1"),
                         [{"campaign_id": "1", "sig": None}, {"campaign_id": "2", "sig": "3"}, {"campaign_id": "3", "sig": None}])


if __name__ == "__main__":
    unittest.main()
