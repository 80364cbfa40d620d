// Rows of the catalogue that nobody can tell from outside, with the reason; rows that stand neither here nor
// in the suite are told by the tests of their part alone.

export const untold: readonly { reason: string; ids: readonly string[] }[] = [
  {
    reason: 'it takes hours, or a clock that can be set',
    ids: ['S2', 'K6', 'K7', 'F10', 'F12', 'F13', 'L15', 'L26', 'I9', 'I15'],
  },
  {
    reason: "it takes the operator's hand: a restart, keys, a signal, a backup",
    ids: [
      'S11',
      'S12',
      'K11',
      'K19',
      'V17',
      'RL1',
      'DS8',
      'F6',
      'F8',
      'F14',
      'PR1',
      'PR2',
      'PR3',
      'PR4',
      'PR5',
      'PS8',
    ],
  },
  {
    reason: 'it happens in the process: log, metrics, traces, memory',
    ids: [
      'G1',
      'G2',
      'G3',
      'G4',
      'G5',
      'G6',
      'G7',
      'G8',
      'G10',
      'P25',
      'DS7',
      'DS13',
      'PS2',
      'SG1',
      'SK1',
    ],
  },
  {
    reason: 'it happens between two processes or at one moment of a call',
    ids: ['F7', 'F11', 'T11', 'T14', 'K15', 'P20', 'R22', 'EV1', 'EV2'],
  },
  {
    reason: 'it happens in the store',
    ids: [
      ...['V1', 'V2', 'V3', 'V4', 'V5', 'V6', 'V7', 'V8', 'V9', 'V10', 'V11', 'V12', 'V13'],
      ...['V14', 'V15', 'V16', 'O9', 'O10'],
    ],
  },
  {
    reason: 'it is refused before anything is served',
    ids: ['AD4', 'ST1', 'ST2', 'ST3', 'ST4', 'PS7', 'VE5'],
  },
  {
    reason: 'it lies behind the deployment: names, proxies, certificates of EHRs, disks, files',
    ids: ['AU1', 'AU2', 'AU3', 'AU4', 'AU5', 'L4', 'L25', 'T13', 'R20', 'PS4', 'PS5', 'PS6'],
  },
  {
    reason: 'it takes a registration or a deployment with settings of its own',
    ids: ['L13', 'L19', 'F5', 'K17', 'PO1', 'BX2'],
  },
  {
    reason: 'it is a flood, and the suite is none (`npm run bench:attack` is)',
    ids: ['DS1', 'DS2', 'DS5', 'DS6', 'DS11'],
  },
  {
    reason: 'it is about a listener that browsers do not reach',
    ids: ['AD6', 'AD7', 'AD8', 'VE1', 'VE2', 'VE3', 'VE4'],
  },
  {
    reason: 'it is about a host that has the plugins',
    ids: ['GU1', 'GU2', 'GU3', 'GU5', 'GU6', 'GU7'],
  },
  {
    reason: 'it is read off the sources, the image or counted steps',
    ids: ['T12', 'DS3', 'DS10', 'Z1', 'Z2', 'Z3', 'Z4', 'Z5', 'Z6'],
  },
]
