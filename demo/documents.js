// The card of documents and pictures, and the window in which they open. Their bytes come through
// fhirstorm like everything else, and go no further than this page unless they are saved.

import { createIdentityLine } from './banner.js'
import { buildFault, buildNote, createCard } from './card.js'
import { formatDay } from './dates.js'
import { element } from './element.js'
import { decode } from './fhir.js'
import { dateOf, textOf } from './wording.js'

/** The documents of a patient, newest first. */
export function createDocumentsCard(fhir, patient) {
  return createCard('Documents and pictures', {
    id: 'documents',
    fhir,
    empty: 'No documents are recorded.',
    load: () =>
      fhir.searchAll('DocumentReference', { patient: patient.id, _sort: '-date', _count: '50' }),
    show: list => {
      const items = list.flatMap(listAttachments).map(one => buildItem(fhir, patient, one))
      return element('ul', { class: 'facts' }, items)
    },
  })
}

function listAttachments(document) {
  const attachments = (document.content ?? []).map(({ attachment }) => attachment)
  const title = textOf(document.type) ?? 'Document'
  const date = formatDay(dateOf(document))
  return attachments.filter(Boolean).map(attachment => ({ attachment, title, date }))
}

function buildItem(fhir, patient, { attachment, title, date }) {
  const { contentType, size } = attachment
  const details = [date, nameType(contentType), size && formatSize(size)]
  const open = () => openViewer(fhir, patient, { attachment, title, date })
  return element(
    'li',
    { class: 'document' },
    element('strong', {}, title),
    element('small', {}, details.filter(Boolean).join(' · ')),
    element('button', { type: 'button', 'aria-label': `Open ${title}`, onclick: open }, 'Open'),
  )
}

/** A window over the page that says whose document it is, shows it, and offers to save it. */
function openViewer(fhir, patient, { attachment, title, date }) {
  const content = element('div', { class: 'content' }, buildNote('Loading …'))
  const actions = element('div', { class: 'buttons' })
  const close = element('button', { type: 'button', onclick: () => dialog.close() }, 'Close')
  let address
  const dialog = element(
    'dialog',
    {
      class: 'viewer',
      'aria-labelledby': 'viewer-title',
      onclose() {
        URL.revokeObjectURL(address)
        dialog.remove()
      },
    },
    createIdentityLine(patient),
    element('h2', { id: 'viewer-title' }, [title, date].filter(Boolean).join(', ')),
    content,
    element('div', { class: 'buttons' }, actions, close),
  )
  document.querySelector('#page').append(dialog)
  dialog.showModal()
  load()

  async function load() {
    try {
      const blob = await readAttachment(fhir, attachment)
      if (blob === undefined) {
        return content.replaceChildren(buildNote('It is kept elsewhere, and is not opened here.'))
      }
      address = URL.createObjectURL(blob)
      actions.replaceChildren(...buildActions(address, blob, title))
      content.replaceChildren(await buildContent(address, blob, title))
    } catch (error) {
      content.replaceChildren(buildFault(error, { fhir, retry: load }))
    }
  }
}

async function readAttachment(fhir, { data, url, contentType = 'application/octet-stream' }) {
  if (data !== undefined) return decode(data, contentType)
  return url === undefined ? undefined : await fhir.readBlob(url, contentType)
}

// Only what cannot run: text and plain pictures. Anything else is saved, or opened by the browser.
async function buildContent(address, blob, title) {
  if (/^image\/(png|jpeg|gif|webp|bmp)/.test(blob.type)) {
    return element('img', { src: address, alt: title })
  }
  if (/^text\/plain/.test(blob.type)) {
    return element('pre', { tabindex: '0' }, await blob.text())
  }
  return buildNote(`This is ${nameType(blob.type)}: open or save it.`)
}

function buildActions(address, blob, title) {
  const [, ending = 'bin'] =
    /^\w+\/(\w{1,5})\b/.exec(blob.type.replace('text/plain', 'text/txt')) ?? []
  const save = element(
    'a',
    { class: 'button', href: address, download: `${title}.${ending}` },
    'Save',
  )
  if (blob.type !== 'application/pdf') return [save]
  const open = { class: 'button main', href: address, target: '_blank', rel: 'noopener' }
  return [element('a', open, 'Open in a new tab'), save]
}

const types = {
  'application/pdf': 'a PDF',
  'text/plain': 'text',
  'image/png': 'a picture',
  'image/jpeg': 'a picture',
}

function nameType(contentType = '') {
  const [type] = contentType.split(';')
  return types[type] ?? type
}

function formatSize(bytes) {
  const kilobytes = bytes / 1024
  return kilobytes < 1024
    ? `${Math.max(1, Math.round(kilobytes))} KB`
    : `${(kilobytes / 1024).toFixed(1)} MB`
}
