"""All pages of the desk."""

from api.pages import data, importing, orders, products, purchase_orders, reviews, sign_in, sweeps, today

routers = [
    sign_in.router,
    sign_in.signed_in,
    *(page.router for page in (today, products, sweeps, reviews, orders, purchase_orders, data, importing)),
]
