"""Headers in Spanish, Portuguese, French and German, as regular expressions over their words in
small letters without accents. The English headers are in `header_patterns.py`, and count first."""

from typing import Final

from scholarship_api.exchange.targets import APPLY, CONTACT, OPENS_AT, ROUND

_AWARD: Final = (
    r"(?:becas?|apoyos?|premios?|programas?|bolsas?|bourses?|prix|stipendi(?:um|en|ums)"
    r"|forderungs?|preis(?:e|es)?)"
)
_THE_AWARD: Final = rf"(?: (?:de|del|da|do|de la|des) (?:la )?{_AWARD})?"
_TO_APPLY: Final = (
    r"(?: (?:de|da|de la|para|pour) (?:la )?(?:solicitud(?:es)?|postulacion(?:es)?"
    r"|inscripcion(?:es)?|aplicacion(?:es)?|entrega|registro|inscricao|inscricoes|candidature|inscription|depot"
    r"|solicitar|aplicar|postular))?"
)

PATTERNS_OF_OTHER_LANGUAGES: Final[dict[str, tuple[str, ...]]] = {
    "name": (
        rf"{_AWARD}",
        rf"(?:nombre|titulo|nome|nom|titre|intitule|bezeichnung){_THE_AWARD}",
        rf"name (?:des|der) {_AWARD}",
    ),
    "organization": (
        r"organizacion(?:es)?|organizacao|organisme|organisation|institucion|instituicao|etablissement",
        r"patrocinador(?:a|es)?|proveedor|donante|doador|entidade?|fundacion|fundacao|fondation",
        r"(?:otorgad|ofrecid|patrocinad|oferecid)[oa] por|offert par|financeur|bailleur",
        r"trager|stiftung|forderer|geldgeber|anbieter|empresa",
    ),
    "description": (
        r"descripcion|resumen|detalles|objetivos?|descricao|resumo|resume|beschreibung",
        r"kurzbeschreibung",
    ),
    "amount_min": (r"(?:monto|importe|valor|cuantia|montant|betrag) min(?:imo|imum|imal)?",),
    "amount_max": (r"(?:monto|importe|valor|cuantia|montant|betrag) max(?:imo|imum|imal)?",),
    "amount": (
        (
            r"(?:monto|importe|cantidad|valor|cuantia|dotacion|montante|montant|quantia|betrag"
            rf"|forderbetrag|summe|hohe|forderhohe){_THE_AWARD}"
        ),
        r"apoyo economico|valor da bolsa",
    ),
    "currency": (r"moneda|divisa|moeda|devise|monnaie|wahrung",),
    "max_awards": (
        (
            r"(?:numero|cantidad|nombre|anzahl) (?:de |der )?(?:becas|premios|bolsas|bourses"
            r"|ganadores|beneficiarios|plazas|vagas|laureats|stipendien|platze)"
        ),
        r"plazas|cupos?|vagas|becas disponibles",
    ),
    OPENS_AT: (
        r"(?:fecha de )?(?:apertura|inicio)(?: de (?:la )?convocatoria)?",
        r"(?:data de )?(?:abertura|inicio)|(?:date d )?ouverture|bewerbungsbeginn|beginn",
    ),
    "application_deadline": (
        rf"(?:fecha|data|date) (?:limite|final|tope){_TO_APPLY}",
        r"fecha de (?:cierre|vencimiento)|data de encerramento|date de cloture",
        r"cierre(?: de (?:la )?convocatoria)?|vencimiento|vence|encerramento|cloture|echeance",
        rf"(?:plazo|prazo)(?: (?:limite|final|maximo))?{_TO_APPLY}",
        r"(?:bewerbungs|abgabe|einsende|anmelde)?(?:schluss|frist|ende)|stichtag",
    ),
    "notification_date": (
        r"fecha de (?:notificacion|resultados?|publicacion(?: de resultados)?)",
        r"resultados|data do resultado|date des resultats",
    ),
    "scholarship_type": (rf"(?:tipo|categoria|type|art){_THE_AWARD}",),
    "renewable": (r"renovable|renovacion|renovavel|renouvelable|verlangerbar",),
    "essay_required": (r"(?:requiere )?ensayo(?: requerido)?|redacao|redaction|aufsatz",),
    "recommendation_letters": (
        r"(?:cartas?|lettres?) de recom(?:endacion|endacao|mandation)|recomendaciones",
        r"empfehlungsschreiben",
    ),
    "application_url": (
        (
            r"(?:enlace|liga|link|formulario|lien|formulaire) (?:de|para|pour) (?:la )?(?:solicitud"
            r"|solicitar|aplicar|postular|inscripcion|inscricao|candidature)"
        ),
    ),
    APPLY: (
        r"como (?:solicitar(?:la)?|aplicar|postular(?:se)?|inscribirse|se inscrever)|solicitud",
        r"comment postuler|bewerbung",
    ),
    "website_url": (
        r"(?:sitio|pagina|site|seite)(?: (?:web|de internet|internet))?|enlace|liga|lien",
        r"mas informacion|internet(?:seite|adresse)?|webseite",
    ),
    "contact_email": (r"correos?(?: electronicos?)?|email de contacto|courriel|e ?mail adresse",),
    CONTACT: (r"contactos?|persona de contacto|contato|ansprechpartner(?:in)?|kontakt",),
    "other_requirements": (
        r"(?:otros )?requisitos|elegibilidad|elegibilidade|condiciones|exigences|eligibilite",
        r"criterios?(?: de (?:elegibilidad|seleccion))?|criteres?(?: d eligibilite)?",
        r"dirigid[oa] a|quien(?:es)? puede[n]? (?:solicitar(?:la)?|aplicar|participar)",
        r"voraussetzungen|bedingungen|anforderungen|zielgruppe",
    ),
    "min_gpa": (r"(?:promedio|gpa)(?: (?:minimo|requerido))?",),
    "grade_levels": (
        r"nivel(?: (?:educativo|academico|escolar|de estudios?))?|escolaridad|grado escolar",
        r"niveau(?: d etudes?)?|nivel de ensino|bildungsstufe|studienphase",
    ),
    "citizenship_required": (
        r"ciudadania|nacionalidad|nacionalidade|nationalite|staatsangehorigkeit",
        r"estatus migratorio",
    ),
    "residency_states": (
        r"estados?(?: de residencia)?|(?:lugar de )?residencia|entidad federativa|ubicacion",
        r"bundesland",
    ),
    "residency_counties": (r"condados?(?: de residencia)?",),
    "fields_of_study": (
        r"carreras?|(?:areas?|campos?) de estudios?|especialidad(?:es)?|licenciatura|disciplinas?",
        r"domaines?(?: d etudes?)?|filiere|fach(?:er|richtung)?|studien(?:fach|gang|richtung)",
    ),
    "min_age": (r"edad minima|idade minima|age minimum|mindestalter",),
    "max_age": (r"edad maxima|idade maxima|age maximum|hochstalter",),
    "financial_need": (r"necesidad (?:economica|financiera)|bedurftigkeit",),
    "genders": (r"genero|sexo|genre|geschlecht",),
    "first_generation": (r"primera generacion",),
    "deadline_timezone": (r"zona horaria|fuseau horaire|zeitzone",),
    "last_verified_on": (
        r"(?:ultima|fecha de) (?:actualizacion|revision|verificacion)|mise a jour",
    ),
    "status": (r"estatus",),
    ROUND: (r"ciclo(?: escolar)?|ronda|periodo|semestre|ano(?: escolar)?|convocatoria|semester",),
}
"""For each target, the headers that match as a whole."""
