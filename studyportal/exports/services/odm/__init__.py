"""Clinical data and the definitions of the forms as CDISC ODM-XML 1.3.2."""

from studyportal.exports.services.odm.document import Cut, write_odm

__all__ = ["Cut", "write_odm"]
