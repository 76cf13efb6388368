"""What is said of the customer dataset: kinds of files, types of fields, why a row or a file is refused."""

from api.i18n import N_

DATASET_KINDS = {
    "customers": N_("Customers"),
    "list": N_("List"),
    "contacts": N_("Contact history"),
    "responses": N_("Responses"),
    "usage": N_("Usage by month"),
    "owned": N_("Offers that customers have"),
    "offers": N_("Offers and tariffs"),
    "conflicts": N_("Conflicting offers"),
}
DATASET_FILES = {  # what becomes of what is there already
    "replaces": N_("The file replaces what is there."),
    "replaces months": N_("The file replaces the months that it has."),
    "is added": N_("The file is added to what is there; what is there already is not added again."),
}
FIELD_TYPES = {
    "text": N_("Text"),
    "int": N_("Whole number"),
    "decimal": N_("Decimal number"),
    "double": N_("Decimal number"),
    "bool": N_("Yes or no"),
    "date": N_("Day"),
    "timestamp": N_("Time"),
    "address": N_("Address (encrypted)"),
}
DATASET_PROBLEMS = {  # by code; the braces are filled with the problem's fields
    "row.columns": N_("Has {found} columns; the header has {wanted}."),
    "row.quote": N_("A quotation mark is opened and never closed."),
    "row.nul": N_("Holds a sign that cannot be kept (NUL)."),
    "row.long": N_("Longer than {most} KB."),
    "row.number": N_("“{value}” is not a number, or has more digits behind the point than are kept."),
    "row.date": N_("“{value}” is not a day; write it as 2026-11-30."),
    "row.timestamp": N_("“{value}” is not a time; write it as 2026-11-30 09:30:00."),
    "row.bool": N_("“{value}” is neither true nor false; write true or false, 是 or 否."),
    "row.month": N_("“{value}” is not a month; write it as 2026-11."),
    "row.blank": N_("Empty, and needed in every row."),
    "row.key_blank": N_("The key is empty."),
    "row.key_null": N_("“{value}” is no key; it stands for none."),
    "row.key_twice": N_("“{value}” stands in row {first} already."),
    "row.key_number": N_("“{value}” was turned into a number by a spreadsheet. Give the column as text."),
    "D190": N_("This customer was erased on request, and is not taken in again."),
    "D191": N_("Somebody was erased while the file was read, so nothing was taken over; import it again."),
    "row.value": N_("“{value}” is not allowed; possible: {possible}."),
    "dataset.large": N_(
        "The file is larger than {most} MB. Import it with the command “countersign data import” on the server."
    ),
    "dataset.kind": N_("Choose what the file is."),
    "dataset.list": N_("A list needs a name of small letters, digits and _, beginning with a letter."),
    "D101": N_("The columns are not those of the table {table}."),
    "D104": N_("This is not text in UTF-8 or GB18030."),
    "D105": N_("The file is empty; its first line names the columns."),
    "D106": N_("The heading of a column is empty."),
    "D107": N_("There is no column {name}. There are: {columns}."),
    "D110": N_("Not one row is good."),
    "D117": N_("The file {file} of version {version} is not what it was when it was written, or is gone."),
    "D118": N_("Unpacked, the file is larger than {most} MB."),
    "D119": N_("The file is damaged."),
    "D120": N_("This is no Parquet file, or a damaged one."),
    "D121": N_("The column {column} holds lists or bytes; leave it out."),
    "D200": N_("“{value}” is no value that stands for none; write NULL, or COLUMN=-1."),
    "D122": N_("This is no XLSX workbook, or a damaged one."),
}
