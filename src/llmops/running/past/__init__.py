"""What kept runs say: answers, habits of models and cases, histories, and what is stale."""
