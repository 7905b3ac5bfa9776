import { createApp } from 'vue';

import App from './App.vue';
import { toast } from './composables/useToasts';
import { schema } from './schema';
import './styles.css';

document.title = schema.title;

const app = createApp(App);
app.config.errorHandler = (error) => {
  console.error(error);
  toast('Something went wrong on this page. Load it again.', 'bad');
};
app.mount('#app');
