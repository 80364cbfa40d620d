// The German of fhirstorm's own pages: their words, every refusal, and every refusal of an EHR. Pure.

import type { FaultCode } from '../errors.ts'
import type { Words } from './english.ts'

const page: Words = {
  didNotWork: 'Das hat nicht geklappt',
  startAgain: 'Von vorn beginnen',
  openAgain: 'Bitte öffnen Sie die Anwendung noch einmal aus der Krankenakte.',
  noCookiesInFrame:
    'In diesem Teil einer anderen Seite darf er vielleicht keine setzen. In einem eigenen Tab geht es.',
  openInTab: 'In einem eigenen Tab öffnen',
  request: 'Anfrage',
  whichEhr: 'Wo möchten Sie sich anmelden?',
  continueToEhr: 'Weiter zur Anmeldung',
  running: 'fhirstorm läuft',
  noFrontend: 'Hier ist keine Oberfläche eingerichtet.',
  logIn: 'Anmelden',
  thenCall: 'und FHIR unter der Adresse aufrufen, die hier steht:',
}

const faults: Readonly<Record<FaultCode, string>> = {
  bad_request: 'Die Anfrage ist fehlerhaft.',
  host_refused: 'Der Server hat diese Anfrage abgelehnt.',
  unknown_issuer: 'Diese Krankenakte ist bei dieser Anwendung nicht eingetragen.',
  unknown_ehr: 'Unter dieser Kennung ist keine Krankenakte eingetragen.',
  ambiguous_issuer:
    'Mehrere Einträge teilen sich diese Krankenakte: Bitte die Startadresse mit der Kennung verwenden.',
  launch_invalid: 'Der Aufruf der Anwendung ist fehlerhaft.',
  state_missing: 'Die Antwort der Krankenakte gehört zu keiner laufenden Anmeldung.',
  state_invalid: 'Die Antwort der Krankenakte gehört zu keiner laufenden Anmeldung.',
  state_expired: 'Die Anmeldung hat zu lange gedauert. Bitte von vorn beginnen.',
  state_used: 'Diese Anmeldung ist bereits abgeschlossen. Bitte von vorn beginnen.',
  cookie_missing:
    'Dieser Browser hat die Anmeldung nicht begonnen, oder er lässt keine Cookies zu.',
  too_many_launches:
    'In diesem Browser wurden zu viele Anmeldungen zugleich begonnen, und diese musste weichen. Bitte von vorn beginnen.',
  answer_unbound:
    'Wer Sie hierher geschickt hat, sagt, dass der Zugriff verweigert wurde. Es wurde nichts geändert; bitte von vorn beginnen.',
  callback_invalid: 'Die Antwort der Krankenakte ist fehlerhaft.',
  issuer_mismatch: 'Die Antwort kam von einem anderen Anmeldeserver als dem gefragten.',
  facade_client_invalid: 'Die Anwendung bittet anders um Zugriff, als es für sie eingetragen ist.',
  prefetch_refused: 'Diese Seite kann nicht im Voraus geladen werden.',
  path_invalid: 'Der Pfad ist kein FHIR-Pfad dieser Sitzung.',
  query_invalid: 'Die Suchparameter sind fehlerhaft.',
  format_refused: 'Es gibt nur FHIR als JSON oder XML.',
  header_invalid: 'Eine Kopfzeile der Anfrage ist fehlerhaft.',
  body_invalid: 'Der Inhalt der Anfrage ist fehlerhaft.',
  logout_token_invalid: 'Die Abmeldung ist nicht gültig unterschrieben.',
  session_invalid: 'Hier gibt es keine laufende Sitzung.',
  session_expired: 'Die Sitzung in der Krankenakte ist beendet. Bitte melden Sie sich neu an.',
  upstream_unauthorized: 'Die Krankenakte nimmt diese Sitzung nicht mehr an.',
  cross_site: 'Anfragen anderer Websites werden abgelehnt.',
  navigation_refused: 'Daten werden nicht als Seite gezeigt: Die Anwendung ruft sie selbst ab.',
  interaction_refused: 'Diese Anwendung darf das hier nicht tun.',
  csrf_header_missing:
    'Diese Anfrage braucht die Kopfzeile X-CSRF: 1 oder diese Website als Origin.',
  not_found: 'Hier ist nichts.',
  method_not_allowed: 'Diese Methode ist hier nicht erlaubt.',
  request_timeout: 'Die Anfrage kam nicht rechtzeitig an.',
  session_ambiguous: 'Bitte die Sitzung nennen: Es gilt die FHIR-Adresse einer Ihrer Sitzungen.',
  body_too_large: 'Der Inhalt der Anfrage ist zu groß.',
  uri_too_long: 'Die Adresse der Anfrage ist zu lang.',
  media_type_refused: 'Dieser Medientyp wird nicht angenommen.',
  expectation_failed: 'Was die Anfrage erwartet, ist nicht möglich.',
  unknown_host: 'Dieser Host wird hier nicht bedient.',
  foreign_reference: 'Die Anfrage verweist auf eine andere Sitzung oder einen anderen Server.',
  upgrade_refused: 'Ein Wechsel des Protokolls ist nicht möglich.',
  too_many_requests: 'Zu viele Anfragen. Bitte versuchen Sie es später noch einmal.',
  headers_too_large: 'Die Kopfzeilen der Anfrage sind zu groß.',
  internal: 'Hier ist etwas schiefgegangen.',
  issuer_unreachable: 'Die Krankenakte ist von hier aus nicht erreichbar.',
  bad_metadata: 'Die Krankenakte beschreibt ihren Anmeldeserver auf unbrauchbare Weise.',
  no_oauth_metadata: 'Die Krankenakte sagt nicht, wie man sich an ihr anmeldet.',
  endpoint_not_pinned: 'Die Krankenakte nennt eine Adresse, die für sie nicht eingetragen ist.',
  issuer_unnamed:
    'Die Krankenakte nennt sich in ihren Antworten nicht, wie es diese Anwendung verlangt.',
  pkce_unsupported: 'Die Krankenakte kann PKCE mit S256 nicht.',
  bad_token_response: 'Die Krankenakte hat auf unbrauchbare Weise geantwortet.',
  authorization_refused: 'Die Krankenakte hat die Anmeldung gar nicht erst begonnen.',
  token_refused: 'Die Krankenakte hat den Anmeldecode abgelehnt.',
  signer_unavailable:
    'Der Schlüssel dieser Anwendung lässt sich zurzeit nicht verwenden. Bitte versuchen Sie es erneut.',
  client_auth_failed: 'Die Krankenakte nimmt die Zugangsdaten dieser Anwendung nicht an.',
  bad_id_token: 'Die Krankenakte hat eine Identität gesendet, die sich nicht prüfen lässt.',
  bad_jwks: 'Die Krankenakte veröffentlicht ihre Schlüssel auf unbrauchbare Weise.',
  missing_patient: 'Die Krankenakte hat nicht gesagt, um welche Person es geht.',
  upstream_broken: 'Die Krankenakte hat die Antwort abgebrochen oder verstümmelt.',
  upstream_unreachable: 'Die Krankenakte ist nicht erreichbar.',
  upstream_elsewhere:
    'Die Krankenakte hält dies auf einem anderen Server, den diese Sitzung nicht erreichen darf.',
  upstream_encoding: 'Die Antwort der Krankenakte ist auf unbekannte Weise gepackt.',
  upstream_charset: 'Der Zeichensatz der Antwort ist nicht lesbar.',
  vault_unavailable:
    'Der Sitzungsspeicher ist nicht erreichbar. Bitte versuchen Sie es noch einmal.',
  logout_incomplete:
    'In diesem Browser sind Sie abgemeldet. Die Sitzung selbst endet, sobald ihr Speicher erreichbar ist.',
  audit_unavailable:
    'Das konnte nicht im Protokoll festgehalten werden, deshalb wird das Ergebnis nicht mitgeteilt. Es kann trotzdem geschehen sein.',
  overloaded: 'Hier ist gerade zu viel zu tun. Bitte versuchen Sie es erneut.',
  draining:
    'Zur Zeit beginnt hier keine neue Anmeldung. Bitte versuchen Sie es später noch einmal.',
  issuer_busy: 'Die Krankenakte ist überlastet. Bitte versuchen Sie es noch einmal.',
  too_many_logins:
    'In diesem Augenblick melden sich zu viele an. Bitte versuchen Sie es noch einmal.',
  too_many_in_flight:
    'An diese Krankenakte laufen zu viele Anfragen. Bitte versuchen Sie es noch einmal.',
  refresh_failed:
    'Die Sitzung lässt sich gerade nicht verlängern. Bitte versuchen Sie es noch einmal.',
  issuer_timeout: 'Die Krankenakte hat zu lange nicht geantwortet.',
  upstream_timeout: 'Die Krankenakte hat zu lange nicht geantwortet.',
}

const denials: Readonly<Record<string, string>> = {
  access_denied:
    'Die Krankenakte hat den Zugriff verweigert: Sie haben dort abgelehnt, oder Sie dürfen diese Anwendung nicht benutzen.',
  invalid_request:
    'Die Krankenakte hat die Anfrage nicht verstanden. Wer die Anwendung betreibt, kann helfen.',
  invalid_scope:
    'Die Krankenakte gibt dieser Anwendung nicht, worum sie bittet. Wer die Anwendung betreibt, kann helfen.',
  unauthorized_client:
    'Die Krankenakte lässt diese Anwendung so nicht anmelden. Wer sie betreibt, kann helfen.',
  unsupported_response_type:
    'Die Krankenakte lässt diese Anwendung so nicht anmelden. Wer sie betreibt, kann helfen.',
  server_error: 'In der Krankenakte ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.',
  temporarily_unavailable:
    'Die Krankenakte ist gerade überlastet. Bitte versuchen Sie es noch einmal.',
  login_required: 'Die Krankenakte möchte, dass Sie sich erst anmelden.',
  interaction_required: 'Die Krankenakte fragt Sie erst etwas. Bitte von vorn beginnen.',
  consent_required: 'Die Krankenakte bittet erst um Ihre Zustimmung. Bitte von vorn beginnen.',
  account_selection_required:
    'Die Krankenakte lässt Sie erst ein Konto wählen. Bitte von vorn beginnen.',
  other: 'Die Krankenakte hat die Anmeldung abgelehnt.',
}

/** All of it. */
export const german = { page, faults, denials }
