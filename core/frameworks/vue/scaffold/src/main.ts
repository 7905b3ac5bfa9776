import { createApp } from 'vue';

import App from './App.vue';
import { toast } from './composables/useToasts';
import { schema } from './schema';
import './styles.css';

document.title = schema.title;

// Light or dark: what was chosen here, else what the app says, else the reader's own setting.
const theme = localStorage.getItem('theme') ?? schema.theme;
if (theme) document.documentElement.dataset.theme = theme;

const app = createApp(App);
app.config.errorHandler = (error) => {
  console.error(error);
  toast('Something went wrong on this page. Load it again.', 'bad');
};
app.mount('#app');
