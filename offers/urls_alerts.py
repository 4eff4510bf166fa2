from django.urls import path

from offers import following

app_name = "alerts"
urlpatterns = [
    path("nouvelle/", following.new_alert, name="new"),
    path("demandee/", following.asked, name="asked"),
    path("<str:secret>/", following.manage_alert, name="manage"),
    path("<str:secret>/fin/", following.end_alert, name="end"),
]
