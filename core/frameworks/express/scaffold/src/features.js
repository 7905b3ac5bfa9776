// What stands before the JSON API, in order: each is called with the app. Nothing, in an app without accounts.

export const features = [];
