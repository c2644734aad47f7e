"""What the upload page says while it works; `{…}` is filled in by its script."""

from django.utils.translation import gettext as _


def upload_words() -> dict[str, str]:
    """Every sentence of the script, in the reader's language."""
    return {
        "nothing": _("No file was found there. Choose the folder or the zip with the images."),
        "listing": _("Looking through the files …"),
        "reading": _("Reading the files: {files} of {total} ({megabytes} of {all_megabytes} MB)."),
        "again": _(
            "{arrived} of {total} files arrived before; only the {missing} missing ones are sent."
        ),
        "sending": _("{files} of {total} files sent ({megabytes} of {all_megabytes} MB)."),
        "speed": _("{rate} MB/s, {left} left."),
        "copies": _("{copies} files are copies of others and are sent once."),
        "paused": _("Paused: {files} of {total} files arrived. Nothing is lost."),
        "offline": _(
            "No connection to the server. {files} of {total} files arrived; the rest is tried again by itself."
        ),
        "signed_out": _("You are signed out. Sign in again in another tab, then choose “Go on”."),
        "completing": _("All {total} files arrived. Closing the upload …"),
        "gone": _(
            "{name} cannot be read any more: it changed or went away. Choose the folder again."
        ),
        "server": _("The server answered {status}. Choose “Go on” to try again; nothing is lost."),
        "too_many": _(
            "These are {total} files; one upload takes {limit}. Choose the folder of one series."
        ),
        "too_large": _("Larger than {limit} MB, which a slice of CT or PET never is: {name}."),
        "zip_unreadable": _(
            "{name} is no readable zip file: {why}. Unpack it and choose the folder."
        ),
        "zip_cut": _("it is cut off or damaged"),
        "zip_locked": _("it is protected by a password"),
        "zip_method": _("it is packed in a way that browsers cannot unpack"),
        "zip_nested": _("it holds another zip, {entry}"),
        "zip_link": _("it holds a link, {entry}"),
        "zip_overlap": _("its entries overlap"),
        "pause": _("Pause"),
        "go_on": _("Go on"),
        "ask_stop": _("Delete what arrived and stop this upload? The images can be sent again."),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
    }
