# SPDX-License-Identifier: Apache-2.0
"""Endpoints whose parameters become events: what browsers, servers and exchanges call."""

import hashlib
import hmac
import re
import signal
import subprocess
import unittest
from urllib.parse import urlencode

from adweave import ROOT
from adweave_server import ServerTest


KEY = "0123456789abcdef0123456789abcdef"


def signature(text: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


class EventEndpointsTest(ServerTest):
    CONFIG = (ROOT / "config/examples/tracking.yaml").read_text()

    def start(self) -> None:
        super().start(ADWEAVE_SIGNING_KEY=KEY)

    def refused(self, status: int, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> str:
        """Asks for what is refused; what was wrong with it."""
        found, value, answer = self.ask(method, path, body, **headers)
        self.assertEqual(found, status, value)
        self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
        self.assertTrue(value["detail"] and value["fix"], value)
        return value["detail"]

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

    def test_what_the_documents_sign_is_signed(self) -> None:
        """The command of docs/reference/http-api.md makes a signature that the server takes."""
        page = (ROOT / "docs/reference/http-api.md").read_text()
        [command] = re.findall(r"^printf %s 'https://shop.example/sale'.*$", page, re.MULTILINE)
        self.write("signing.key", KEY + "\n")
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.split()[0], signature("https://shop.example/sale"))

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


class OtherEndpointsTest(ServerTest):
    CONFIG = "sources: [{name: s, http: true, format: json, kind: click, fields: {campaign_id: c, event_time: {receipt: true}}}]\n"

    def test_what_is_not_configured_is_not_there(self) -> None:
        self.start()
        self.assertEqual(self.ask("GET", "/v1/i.gif?id=1")[0], 404)


if __name__ == "__main__":
    unittest.main()
