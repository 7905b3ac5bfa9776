"""The kinds of things that apps usually keep, with sensible fields, and the kinds of apps that are made of several.

A line of `_KINDS` is: names in the singular, then the fields that the kind always has, then those it has when the description says
nothing about fields. Types follow from the names, as `fieldwords` reads them; ``!`` marks a required field.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from adapters.models.starter.fieldwords import field
from adapters.models.starter.naming import plural_phrase, singular_phrase, words
from core.words.plan import ResourceField

_KINDS = """
todo, to-do, task, chore, errand, action item, reminder, assignment | title!, notes, done | due date, priority
note, memo, idea, thought | title!, content | pinned
recipe, dish, cocktail | name!, ingredients, instructions | servings, cooking time, favorite
expense, spending, transaction, purchase, cost | description (text)!, amount!, date | category, paid by (text)
income | source!, amount!, date | notes
contact, friend, acquaintance | name!, email, phone | company, notes
customer, client, lead, supplier, vendor, donor, owner, sponsor, partner | name!, email, phone | company, address, notes
company, organization, account | name!, website, industry | notes
deal, opportunity | title!, customer, amount, stage (lead/offer/won/lost) | close date, notes
inventory item, stock item, part, supply | name!, quantity, location | price, supplier, notes
booking, reservation | name!, date!, guests | phone, status (pending/confirmed/cancelled), notes
room | name!, capacity, location | available
appointment, consultation | title!, starts at!, ends at | customer, location, notes
event, meeting, party, conference, concert, meetup, gig | title!, starts at!, location | description, capacity
attendee, participant, guest, invitee | name!, email, status (invited/coming/not coming) | notes
habit | name!, frequency, active | notes
check-in | date!, done | notes
workout, training, run, ride, exercise | name!, date, minutes | exercises (long text), notes
book, novel, textbook | title!, author, read | genre, rating, notes
loan, lending, rental | borrower!, item, due date, returned | notes
movie, film, show, tv show, video game, game, anime, podcast | title!, watched, rating | genre, year, notes
song, album, track, vinyl record, record | title!, artist, year | genre, rating
playlist | name!, description | public
setlist, set list | name!, date, songs (long text) | notes
poll, vote | question (text)!, description | open (boolean), closes on (date)
option | text (text)!, votes | notes
question | text (text)!, answer (long text) | category
response, submission | name!, answer (long text) | email
bug, issue, defect | title!, description, status (open/in progress/fixed/closed) | priority, reported by (text), assigned to (text)
ticket, support request, complaint, incident | subject!, description, status (open/waiting/solved) | priority, email
card | title!, description, status (to do/doing/done) | assignee, due date
project, initiative | name!, description, status (planned/active/done) | deadline, client
milestone, goal, objective, resolution, wish, dream | title!, target date, done | notes
invoice, bill, receipt | number (text)!, customer, amount!, paid | issue date, due date
payment | payer!, amount!, date | method (cash/card/transfer), notes
quote, estimate | customer!, amount!, status (draft/sent/accepted/rejected) | valid until, notes
order | customer!, product, quantity, status (new/paid/shipped/delivered) | order date, notes
product, article for sale, good | name!, price!, description | sku, stock, available
cake, pastry, bread, pizza, sandwich, candle, soap, bouquet | name!, price!, description | available
menu item, meal, drink | name!, description, price | category, available
planned meal | name!, date!, meal (breakfast/lunch/dinner/snack) | recipe (url), notes
student, pupil, learner | name!, email | birth date, notes
teacher, tutor, instructor, coach, trainer, professor | name!, email, subject | phone
class, yoga class, group class | name!, teacher, day (text), time (text) | capacity, notes
attendance | student!, class, date!, present (boolean) | notes
speaker, presenter, panelist | name!, email, bio, website | company
talk, session, keynote | title!, speaker, room, starts at | description
subscriber, newsletter subscriber | email!, name | subscribed on (date), active
line item, invoice item, order item, invoice line | description (text)!, quantity, price | notes
household, room mate, roommate, flatmate | name!, email, phone | notes
course, lesson, lecture, workshop, subject, training course | title!, description, teacher | start date, capacity
grade, exam, test result | student!, course, score! | date, notes
pet, dog, cat, animal, horse | name!, species, breed, birth date | owner, notes
visit, checkup | date!, reason, treatment | vet (text), cost
patient | name!, birth date, phone | email, notes
doctor, dentist, vet | name!, specialty, phone | email
plant, tree, flower, crop, seed | name!, species, location | last watered, watering interval days (integer), notes
guestbook entry, shoutout, greeting | name!, message! | website
link, bookmark, favourite link | title!, url! | tags, notes
shopping item, grocery item, grocery, shopping list item | name!, quantity (text), bought | shop
pantry item, food item | name!, quantity, expiry date | location
budget, budget line | category!, budget amount, spent amount | month (text), notes
time entry, timesheet entry, shift, work log | description (text)!, date!, hours! | project, billable
employee, technician, engineer, mechanic, staff member, worker, colleague, team member | name!, email, phone | role, start date
person, member, volunteer, user | name!, email, phone | role, start date
candidate, applicant | name!, email, stage (applied/interview/offer/hired/rejected) | phone, notes
job, vacancy, position | title!, company, status (open/applied/interview/offer/closed) | url, salary, notes
job application, application | position (text)!, company, status (applied/interview/offer/rejected) | applied on (date), url, salary, notes
post, article, news item, announcement | title!, body, published | author, published on
comment, reply | author, body!
review, feedback, testimonial, rating | author, rating!, body
page, wiki page, document, snippet | title!, content | tags
journal entry, diary entry | title!, date, content | mood
flashcard, vocabulary word, word | front (text)!, back (text)! | deck, learned (boolean)
trip, journey, vacation, holiday, travel | destination!, start date, end date | budget, notes
place, location, restaurant, cafe, bar, hotel, city, country, site, venue | name!, address, visited | rating, url, notes
car, vehicle, truck, bike, motorcycle | make!, model, year, license plate | mileage, notes
house, apartment, property, listing, flat | title!, address (text), price, rooms | available, url, notes
tenant | name!, email, phone | apartment, rent, move in date
device, asset, equipment, tool, machine, laptop, computer | name!, serial number, status (in use/in stock/in repair/retired) | purchase date
subscription, membership, contract, insurance, license | name!, price, renewal date | billing (monthly/yearly), active, notes
medication, medicine, pill, vitamin | name!, dose, frequency | active, notes
measurement, weight entry, weight | date!, value (number)!, unit | notes
donation | donor!, amount!, date | method (cash/card/transfer), notes
gift, present | name!, amount, date | recipient, notes
photo, picture, image, artwork, painting | title!, url | date, notes
collectible, coin, stamp, toy, wine, beer, coffee, whisky | name!, year, rating | price, notes
player, athlete | name!, position (text), number | team
team, group, club, department | name!, description
deck, shelf, playlist folder | name!, description
found item, lost item | title!, description, found at (text), found on (date), claimed | photo
story, user story | title!, description, points, status (to do/doing/done) | assignee
sprint | goal!, start date, end date | notes
match, tournament, fixture | home team!, away team, date | home goals, away goals
idea submission, feature request, suggestion, proposal | title!, description, status (new/planned/done/declined) | votes
message, chat message, letter | author!, body! | read
family member, child, baby | name!, birth date, notes
delivery, shipment, package, parcel | tracking number!, carrier, status (ordered/shipped/delivered) | expected on (date)
chemical, sample, experiment | name!, date, result (text) | notes
inspection, maintenance, repair, service record | title!, date, cost, done | notes
bird, sighting, catch | species!, date, location | count, notes
skill, hobby | name!, level (beginner/intermediate/advanced) | notes
category, folder, genre, label | name!, description
"""

#: The app's title and the kinds it is made of; names may have several words.
_SUITES: dict[str, tuple[str, Sequence[str]]] = {
    "habit tracker": ("Habit tracker", ["habit", "check-in>habit!"]),
    "event rsvp": ("RSVP", ["event", "guest>event"]),
    "rsvp": ("RSVP", ["guest"]),
    "rsvp page": ("RSVP", ["guest"]),
    "menu": ("Menu", ["menu item"]),
    "restaurant menu": ("Menu", ["menu item"]),
    "pet clinic": ("Pet clinic", ["owner", "pet>owner", "visit>pet"]),
    "animal clinic": ("Animal clinic", ["owner", "pet>owner", "visit>pet"]),
    "gym log": ("Gym log", ["workout"]),
    "meal plan": ("Meal plan", ["planned meal"]),
    "budget": ("Budget", ["income", "expense"]),
    "budget planner": ("Budget", ["income", "expense"]),
    "budget tracker": ("Budget", ["income", "expense"]),
    "lending library": ("Lending library", ["inventory item", "loan>inventory item!"]),
    "tool library": ("Tool library", ["tool", "loan>tool!"]),
    "tool lending library": ("Tool library", ["tool", "loan>tool!"]),
    "invoicing": ("Invoices", ["customer", "invoice"]),
    "photo gallery": ("Photos", ["photo"]),
    "photo album": ("Photos", ["photo"]),
    "vocabulary trainer": ("Vocabulary", ["flashcard"]),
    "vocabulary": ("Vocabulary", ["flashcard"]),
    "lost and found": ("Lost and found", ["found item"]),
    "support desk": ("Support", ["ticket"]),
    "service desk": ("Support", ["ticket"]),
    "class attendance": ("Attendance", ["student", "attendance>student!"]),
    "attendance": ("Attendance", ["student", "attendance>student!"]),
    "attendance tracker": ("Attendance", ["student", "attendance>student!"]),
    "todo list": ("Todos", ["todo"]),
    "task list": ("Tasks", ["task"]),
    "checklist": ("Checklist", ["todo"]),
    "blog": ("Blog", ["post"]),
    "newspaper": ("News", ["article"]),
    "crm": ("CRM", ["contact", "company", "deal"]),
    "shop": ("Shop", ["product", "order"]),
    "webshop": ("Shop", ["product", "order"]),
    "online store": ("Shop", ["product", "order"]),
    "e-commerce": ("Shop", ["product", "order"]),
    "ecommerce": ("Shop", ["product", "order"]),
    "marketplace": ("Marketplace", ["product", "order"]),
    "inventory": ("Inventory", ["inventory item"]),
    "stock": ("Stock", ["inventory item"]),
    "warehouse": ("Warehouse", ["inventory item"]),
    "library": ("Library", ["book"]),
    "reading list": ("Reading list", ["book"]),
    "watchlist": ("Watchlist", ["movie"]),
    "wishlist": ("Wishlist", ["wish"]),
    "wish list": ("Wishlist", ["wish"]),
    "bucket list": ("Bucket list", ["goal"]),
    "shopping list": ("Shopping list", ["shopping item"]),
    "grocery list": ("Groceries", ["grocery item"]),
    "groceries list": ("Groceries", ["grocery item"]),
    "cookbook": ("Cookbook", ["recipe"]),
    "cook book": ("Cookbook", ["recipe"]),
    "recipe book": ("Recipes", ["recipe"]),
    "bookshelf": ("Bookshelf", ["book"]),
    "book shelf": ("Bookshelf", ["book"]),
    "book club": ("Book club", ["book"]),
    "meal planner": ("Meal plan", ["planned meal"]),
    "pantry": ("Pantry", ["pantry item"]),
    "fridge": ("Fridge", ["pantry item"]),
    "survey": ("Survey", ["question", "response"]),
    "questionnaire": ("Survey", ["question", "response"]),
    "quiz": ("Quiz", ["question"]),
    "faq": ("FAQ", ["question"]),
    "poll": ("Polls", ["poll", "option"]),
    "voting": ("Polls", ["poll", "option"]),
    "kanban": ("Board", ["card"]),
    "kanban board": ("Board", ["card"]),
    "guestbook": ("Guestbook", ["guestbook entry"]),
    "guest book": ("Guestbook", ["guestbook entry"]),
    "helpdesk": ("Help desk", ["ticket"]),
    "help desk": ("Help desk", ["ticket"]),
    "bug tracker": ("Bugs", ["bug"]),
    "wiki": ("Wiki", ["page"]),
    "knowledge base": ("Knowledge base", ["page"]),
    "journal": ("Journal", ["journal entry"]),
    "diary": ("Diary", ["diary entry"]),
    "school": ("School", ["student", "course", "grade"]),
    "gradebook": ("Grades", ["student", "grade"]),
    "clinic": ("Clinic", ["patient", "appointment"]),
    "vet clinic": ("Vet clinic", ["owner", "pet>owner", "visit>pet"]),
    "veterinary": ("Vet clinic", ["owner", "pet>owner", "visit>pet"]),
    "hotel booking": ("Hotel", ["room", "booking>room!"]),
    "room booking": ("Room bookings", ["room", "booking>room!"]),
    "timesheet": ("Time sheet", ["time entry"]),
    "time sheet": ("Time sheet", ["time entry"]),
    "time tracker": ("Time tracker", ["time entry"]),
    "time tracking": ("Time tracker", ["time entry"]),
    "address book": ("Address book", ["contact"]),
    "phone book": ("Phone book", ["contact"]),
    "phonebook": ("Phone book", ["contact"]),
    "calendar": ("Calendar", ["event"]),
    "job board": ("Jobs", ["job"]),
    "applicant tracking": ("Hiring", ["job", "candidate"]),
    "fitness": ("Fitness", ["workout"]),
    "gym": ("Gym", ["member", "workout"]),
    "garden": ("Garden", ["plant"]),
    "forum": ("Forum", ["post", "comment"]),
    "birthday": ("Birthdays", ["friend"]),
    "finance": ("Finances", ["transaction"]),
    "household budget": ("Budget", ["budget"]),
    "hr": ("People", ["employee"]),
    "flashcards": ("Flashcards", ["flashcard"]),
    "roster": ("Roster", ["shift"]),
    "pomodoro": ("Time tracker", ["time entry"]),
    "message board": ("Message board", ["message"]),
}

#: Words of other languages for a kind; the page itself is English.
_FOREIGN_WORDS = """
task: aufgabe, aufgaben, aufgabenliste, tarea, tareas, tâche, tâches, tache, taches
note: notiz, notizen, nota, notas
invoice: rechnung, rechnungen, factura, facturas, facture, factures
customer: kunde, kunden, cliente, clientes
recipe: rezept, rezepte, receta, recetas, recette, recettes
expense: ausgabe, ausgaben, gasto, gastos, dépense, dépenses, depense, depenses
book: buch, bucher, bücher, libro, libros, livre, livres
appointment: termin, termine, cita, citas, rendez-vous
plant: pflanze, pflanzen, planta, plantas, plante, plantes
shopping item: einkaufsliste
employee: mitarbeiter, empleado, empleados, employé, employés
event: veranstaltung, veranstaltungen, evento, eventos, événement, événements, évènements
order: bestellung, bestellungen, pedido, pedidos, commande, commandes
product: produkt, produkte, producto, productos, produit, produits
contact: kontakt, kontakte, contacto, contactos
pet: haustier, haustiere, mascota, mascotas
vehicle: fahrzeug, fahrzeuge
booking: reserva, reservas, réservation, réservations
movie: película, peliculas, películas
"""
_FOREIGN = {
    word.strip(): one
    for one, _, listed in (line.partition(":") for line in _FOREIGN_WORDS.strip().splitlines())
    for word in listed.split(",")
}

#: Kinds that always hang on another thing of the app.
CHILDREN = words("comment reply review rating option visit testimonial feedback checkup") | {
    "line item",
    "invoice item",
    "order item",
    "invoice line",
    "check-in",
}
#: Kinds that group the thing they are mentioned with: "expenses with categories".
GROUPS = words(
    "project category company team folder group department account location genre deck shelf playlist setlist"
) | words("customer client supplier vendor owner author teacher instructor coach technician speaker donor doctor sponsor")
#: What stands for anything that is kept, until the description says what it is: "inventory with parts".
GENERIC = {
    "inventory item": words(
        "part supply product tool device good equipment asset chemical sample book bike item material component game toy"
    ),
    "menu item": words("dish meal drink cocktail pizza sandwich cake"),
    "workout": words("exercise run ride training"),
}
#: Kinds that mean something else beside another: "photos with albums", "customers with jobs".
_BESIDE = {
    ("album", "photo"): "name!, description",
    ("job", "customer"): "title!, customer, assigned to (text), scheduled date, status (planned/in progress/done) | notes",
    ("job", "client"): "title!, client, assigned to (text), scheduled date, status (planned/in progress/done) | notes",
    ("job", "technician"): "title!, technician, scheduled date, status (planned/in progress/done) | notes",
    ("album", "picture"): "name!, description",
    ("album", "image"): "name!, description",
    ("appointment", "pet"): "title!, pet, starts at!, reason | vet (text), notes",
    ("appointment", "patient"): "title!, patient, starts at!, doctor | reason, notes",
    ("class", "course"): "name!, teacher, day (text), time (text)",
    ("story", "sprint"): "title!, description, points, status (to do/doing/done) | assignee",
}
_GROUPS_BESIDE = {("album", "photo"), ("album", "picture"), ("album", "image"), ("category", "expense"), ("genre", "book")}
#: Things that a business turns on: what is said at the end of a list is said of them.
TRANSACTIONS = words("order booking reservation appointment rental loan sale invoice job visit ticket delivery")
#: Words that are kinds, and yet a field when they stand in a list of fields.
FIELD_FIRST = words(
    "note link birthday tag rating label date number photo image picture weight cost price measurement record location site "
    "place option position vote thought word country city page feedback genre reminder message skill deadline subject text "
    "estimate license user person account answer check-in game good address description category stamp"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A known kind of thing, under the name by which it was called."""

    one: str  #: "todo", with spaces where it has several words
    core: Sequence[ResourceField]
    extra: Sequence[ResourceField]

    @property
    def many(self) -> str:
        return plural_phrase(self.one)


def kind(phrase: str, among: Collection[str] = ()) -> Kind | None:
    """The kind that a noun names, singular or plural, in any of the known languages, beside the things ``among``."""
    one = singular_phrase(phrase.lower()) if phrase.strip() else ""
    one = _FOREIGN.get(phrase.lower()) or _FOREIGN.get(one) or one
    beside = next((line for (name, other), line in _BESIDE.items() if name == one and other in among), None)
    line = beside or _table().get(one)
    if line is None:
        return None
    core, _, extra = line.partition("|")
    return Kind(one=one, core=_fields(core), extra=_fields(extra))


def groups(one: str, other: str) -> bool:
    """Whether a thing groups the other, which it is mentioned with."""
    return one in GROUPS or (one, other) in _GROUPS_BESIDE


def suite(phrase: str) -> tuple[str, Sequence[str]] | None:
    """The app's title and its kinds, for a phrase that names a kind of app."""
    return _SUITES.get(phrase.lower()) or _SUITES.get(singular_phrase(phrase.lower()) if phrase.strip() else "")


def is_foreign(word: str) -> bool:
    """Whether the word was recognised as one of another language."""
    return word.lower() in _FOREIGN


@cache
def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in _KINDS.strip().splitlines():
        names, _, rest = line.partition("|")
        for name in names.split(","):
            table.setdefault(name.strip(), rest)
    return table


@cache
def _fields(text: str) -> tuple[ResourceField, ...]:
    found = []
    for item in text.split(","):
        read = field(item.replace("!", "").strip())
        if read is not None:
            found.append(read.model_copy(update={"required": item.strip().endswith("!")}))
    return tuple(found)
