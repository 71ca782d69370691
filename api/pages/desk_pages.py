"""All pages of the desk."""

from api.pages import data, importing, reviews, sign_in, today

routers = [sign_in.router, sign_in.signed_in, today.router, reviews.router, data.router, importing.router]
