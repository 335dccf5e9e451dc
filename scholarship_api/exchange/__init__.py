"""Import of files as people and other systems make them, and export to what those read.

A reader of a format is a `catalogue.bulk.records.RecordReader`: it takes the chunks of a file, and
yields a Record for each award, with the line, the fields as `ScholarshipInput` takes them, and the
errors of what it cannot read.
"""
