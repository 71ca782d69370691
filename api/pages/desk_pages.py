"""All pages of the desk."""

from api.pages import (
    ask,
    data,
    importing,
    orders,
    other_orders,
    products,
    purchase_orders,
    reviews,
    settings,
    sign_in,
    sweeps,
    today,
    trust,
)

BUYING = (today, products, sweeps, reviews, orders, other_orders, purchase_orders)
ABOUT = (ask, data, importing, settings, trust)
routers = [sign_in.router, sign_in.signed_in, *(page.router for page in (*BUYING, *ABOUT))]
