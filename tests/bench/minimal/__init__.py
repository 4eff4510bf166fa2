"""The yardstick: a Django project as `startproject` makes it, with one query and one template of twenty rows."""
