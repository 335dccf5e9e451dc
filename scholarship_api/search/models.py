"""The words of the catalogue, for typos and prefixes."""

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class SearchWord(Base):
    """A word as it is written in some award, folded; a trigger on the catalogue adds new ones."""

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    lexeme: Mapped[str] = mapped_column(Text(collation="C"))
    documents: Mapped[int] = mapped_column(server_default=text("1"))
    """About how many awards hold the word, brought up to date after an import."""

    __table_args__ = (
        Index("ix_search_words_lexeme", "lexeme"),
        Index(
            "ix_search_words_trigrams",
            "word",
            postgresql_using="gist",
            postgresql_ops={"word": "gist_trgm_ops"},
        ),
    )
