"""The dictionary: the words of the catalogue, for corrections and completions."""

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class SearchWord(Base):
    """A word of some award, folded. A trigger on the catalogue adds new words."""

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    lexeme: Mapped[str] = mapped_column(Text(collation="C"))
    documents: Mapped[int] = mapped_column(server_default=text("1"))
    """About how many awards contain the word; recounted after an import."""

    __table_args__ = (
        Index("ix_search_words_lexeme", "lexeme"),
        Index(
            "ix_search_words_trigrams",
            "word",
            postgresql_using="gist",
            postgresql_ops={"word": "gist_trgm_ops"},
        ),
    )
