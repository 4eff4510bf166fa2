from django.urls import path

from offers import following

app_name = "alerts"
urlpatterns = [
    path("nouvelle/", following.new_alert, name="new"),
    path("demandee/", following.asked, name="asked"),
    path("<slug:secret>/", following.manage_alert, name="manage"),
    path("<slug:secret>/fin/", following.end_alert, name="end"),
]
