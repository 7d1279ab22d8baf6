# SPDX-License-Identifier: Apache-2.0
"""Endpoints whose parameters become events: what browsers, servers and exchanges call."""

import unittest
from urllib.parse import urlencode

from adweave import ROOT
from adweave_server import ServerTest


class EventEndpointsTest(ServerTest):
    CONFIG = (ROOT / "config/examples/tracking.yaml").read_text()

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
