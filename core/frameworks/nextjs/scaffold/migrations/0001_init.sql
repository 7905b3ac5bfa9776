-- The tables of the app. The platform runs the files of this folder in order, each once, as a role of its own;
-- the app's role can read and write rows and nothing else.
SELECT 1;
