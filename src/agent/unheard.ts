/** What a person is told whose words had not reached the agent when its turn was stopped. */
export const unheard = "What you typed before you stopped it had not been heard, and is not heard now";
