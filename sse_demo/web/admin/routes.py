"""The addresses of operators. Only a service with access control has them."""

from __future__ import annotations

from ..routing import Route
from .handlers import AdminPageHandler, RevocationsHandler, SubscriberHandler, SubscribersHandler

ADMIN = (
    Route("/admin/subscribers", SubscribersHandler),
    Route("/admin/subscribers/{id}", SubscriberHandler),
    Route("/admin/revocations", RevocationsHandler),
)

#: Where there are sessions, by which a page is let in.
ADMIN_PAGE = (Route("/admin", AdminPageHandler),)
