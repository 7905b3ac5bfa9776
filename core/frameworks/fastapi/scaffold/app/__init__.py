"""The app. `app.main` puts it together, `app.resources` says what it keeps."""
