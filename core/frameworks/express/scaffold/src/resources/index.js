// What the app keeps: one module per resource, listed here.

export const resources = [];
