"""What the sign-up form asks besides address and password."""

from django import forms

from portal.validators import plain_line


class SignupNames(forms.Form):
    """allauth's hook: fields and `signup`, called with the new user before it is saved for good."""

    first_name = forms.CharField(
        label="Prénom",
        max_length=150,
        validators=[plain_line],
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label="Nom",
        max_length=150,
        validators=[plain_line],
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    field_order = ["first_name", "last_name", "email", "password1", "password2"]

    def signup(self, request, user):
        user.first_name = self.cleaned_data["first_name"]
        user.last_name = self.cleaned_data["last_name"]
        user.save(update_fields=["first_name", "last_name"])
