"""The data of `make demo`: accounts by function, the five programmes' offers, and dossiers at three stages."""
