// The client of the authorization tutorial that this product grew from. Its registration exists in the
// sandbox alone; the secret has been public for years and opens nothing else.

export const tutorialClient = {
  id: '9644d85e-07f0-4962-a78b-ab1bfe39c6d8',
  secret: 'GYEbJSvLr6dLJz5v2Y7XyRaLyBHXbdYAeNjY_48KvHnKL7MQEtg5rnBg9tiYcNT4FAdXgYkcnHH3KSxRr6gNbg',
} as const
